import { type Static, type TSchema, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import { followEvents } from "./event-stream.ts";
import { presentExplanation, presentPeer, presentRoutes, presentSummary } from "./present-bgp.ts";
import {
  askBfd,
  presentBfd,
  presentCircuits,
  presentConfig,
  presentEvents,
  presentFib,
  presentFibRoute,
  presentHealth,
} from "./present-edge.ts";
import * as shapes from "./schemas.ts";
import type { ApiParts } from "./server.ts";

const PeerParams = Type.Object({ peer: Type.String({ maxLength: 64 }) });
const ExplainQuery = Type.Object(
  { route: Type.String({ maxLength: 43, description: "a prefix, or an address it covers" }) },
  { additionalProperties: false },
);
const EventsQuery = Type.Object(
  {
    since: Type.Optional(Type.Integer({ minimum: 0, description: "sequence number" })),
    follow: Type.Optional(Type.Boolean({ description: "stay, and stream (SSE)" })),
  },
  { additionalProperties: false },
);
const FibQuery = Type.Object({ prefix: Type.String({ maxLength: 43 }) });
const RoutesQuery = { ...shapes.RoutesQuery, additionalProperties: false };

const describe = (summary: string, shape: TSchema, more: object = {}) => ({
  schema: { summary, response: { 200: shape, "4xx": shapes.Problem }, ...more },
});

/** Every path of the API; each answers from the view it is given, when it is asked. */
export function addRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { view, journal } = parts;
  addBgpRoutes(app, parts);
  app.get("/v1/bfd", describe("BFD sessions", shapes.Bfd), async () =>
    presentBfd(view, await askBfd(view)),
  );
  app.get("/v1/circuits", describe("Circuits", shapes.Circuits), async () => presentCircuits(view));
  app.get("/v1/fib", describe("Forwarding table", shapes.Fib), async () => presentFib(view));
  app.get<{ Querystring: Static<typeof FibQuery> }>(
    "/v1/fib/route",
    describe("Where one prefix goes", shapes.FibRoute, { querystring: FibQuery }),
    async (request) => presentFibRoute(view, request.query.prefix),
  );
  app.get<{ Querystring: Static<typeof EventsQuery> }>(
    "/v1/events",
    describe("The journal: what is held, or a stream", shapes.Events, { querystring: EventsQuery }),
    async (request, reply) => {
      const { since, follow = false } = request.query;
      const accepts = request.headers.accept ?? "";
      if (!follow && !accepts.includes("text/event-stream")) {
        return presentEvents(view, journal, since ?? 0);
      }
      const resumed = Number(request.headers["last-event-id"]);
      const from = Number.isSafeInteger(resumed) && resumed > 0 ? resumed : since;
      reply.hijack();
      followEvents(reply.raw, journal, from ?? journal.lastSeq);
      return reply;
    },
  );
  app.get("/v1/config", describe("Configuration in force", shapes.Config), async () =>
    presentConfig(view),
  );
  addHealthRoutes(app, parts);
}

function addBgpRoutes(app: FastifyInstance, { view }: ApiParts): void {
  app.get("/v1/bgp/summary", describe("BGP sessions", shapes.BgpSummary), async () =>
    presentSummary(view),
  );
  app.get<{ Params: Static<typeof PeerParams> }>(
    "/v1/bgp/peers/:peer",
    describe("One BGP session, whole", shapes.BgpPeer, { params: PeerParams }),
    async (request) => presentPeer(view, request.params.peer),
  );
  app.get<{ Querystring: shapes.RoutesQuery }>(
    "/v1/bgp/routes",
    describe("Routes of a RIB", shapes.BgpRoutes, { querystring: RoutesQuery }),
    async ({ query }) => presentRoutes(view, query, query.rib ?? "loc-rib"),
  );
  app.get<{ Querystring: shapes.RoutesQuery }>(
    "/v1/bgp/rejected",
    describe("Routes kept out, and by what", shapes.BgpRoutes, { querystring: RoutesQuery }),
    async ({ query }) => presentRoutes(view, query, "rejected"),
  );
  app.get<{ Querystring: Static<typeof ExplainQuery> }>(
    "/v1/bgp/explain",
    describe("Why a route is the best", shapes.BgpExplain, { querystring: ExplainQuery }),
    async ({ query }) => presentExplanation(view, query.route),
  );
}

function addHealthRoutes(app: FastifyInstance, { view, metrics }: ApiParts): void {
  const health = (summary: string) => ({
    schema: { summary, response: { 200: shapes.Health, 503: shapes.Health } },
  });
  app.get("/healthz", health("Whether the agent does its work"), async (_request, reply) => {
    const answer = presentHealth(view);
    return reply.code(answer.isHealthy ? 200 : 503).send(answer);
  });
  app.get("/readyz", health("Whether traffic may be sent here"), async (_request, reply) => {
    const answer = presentHealth(view);
    return reply.code(answer.isReady ? 200 : 503).send(answer);
  });
  app.get("/metrics", { schema: { summary: "Prometheus metrics" } }, async (_request, reply) => {
    const { contentType, text } = await metrics();
    return reply.type(contentType).send(text);
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
