import type { FastifyInstance } from "fastify";
import type { AgentOrders, OrderOutcome } from "../orders.ts";
import type { AgentView } from "../view.ts";
import { ApiError, nearestNames, nowOf } from "./present.ts";
import * as shapes from "./schemas.ts";

interface Order {
  readonly url: string;
  readonly summary: string;
  /** What is named, `circuit` or `peer`. */
  readonly subject: string;
  readonly order: string;
  perform(orders: AgentOrders, name: string): OrderOutcome;
}

const ORDERS: readonly Order[] = [
  {
    url: "/v1/circuits/:name/release",
    summary: "Let a held circuit back",
    ...{ subject: "circuit", order: "circuit release" },
    perform: (orders, name) => orders.releaseCircuit(name),
  },
  {
    url: "/v1/circuits/:name/drain",
    summary: "Ask both ends to keep off a circuit",
    ...{ subject: "circuit", order: "circuit drain" },
    perform: (orders, name) => orders.drainCircuit(name),
  },
  {
    url: "/v1/circuits/:name/undrain",
    summary: "Take a drain back",
    ...{ subject: "circuit", order: "circuit undrain" },
    perform: (orders, name) => orders.undrainCircuit(name),
  },
  {
    url: "/v1/bgp/peers/:name/start",
    summary: "Start a session that waits for an operator",
    ...{ subject: "peer", order: "peer start" },
    perform: (orders, name) => orders.startPeer(name),
  },
];

/**
 * The only requests that change anything. They are POSTs, which the loopback port refuses before
 * they get here: who may write to the socket's file may give orders, nobody else.
 */
export function addOrderRoutes(app: FastifyInstance, view: AgentView, orders: AgentOrders): void {
  for (const { url, summary, subject, order, perform } of ORDERS) {
    const response = { 200: shapes.Order, "4xx": shapes.Problem };
    const schema = { summary, params: shapes.NameParams, response };
    app.post<{ Params: { name: string } }>(url, { schema }, async (request) => {
      const { name } = request.params;
      const outcome = perform(orders, name);
      if (outcome.kind === "unknown") {
        const code = `API_${subject.toUpperCase()}_UNKNOWN`;
        const guesses = nearestNames(name, outcome.known);
        throw new ApiError(404, code, `there is no ${subject} "${name}"`, guesses);
      }
      if (outcome.kind === "refused") throw new ApiError(409, "API_ORDER_REFUSED", outcome.text);
      const { isChanged, text } = outcome;
      return { schema: "causeway.order/v1", at: nowOf(view), order, name, isChanged, text };
    });
  }
}
