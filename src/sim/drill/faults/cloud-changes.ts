/**
 * Changes that somebody makes to the cloud's routing while a drill runs, as rows of the table of
 * faults: a colleague's mistake is a fault like any other, and the way back is the same step.
 */
import { NEXT_HOP_TYPES, type NextHopType } from "../../cloud/config/next-hops.ts";
import { count, name, prefix, prefixes, word } from "../file/parameters.ts";
import { row } from "./fault-row.ts";

const turn = word("turn", ["off", "on"] as const, "off");
const OFF = { off: "switched off", on: "switched on" } as const;
const transitRouter = name("transitRouter");
const attachment = name("attachment");
/** `none`: the route is taken away. */
const NEXT_HOPS_OR_NONE: readonly (NextHopType | "none")[] = [...NEXT_HOP_TYPES, "none"];
const CONNECTIONS = [
  ...(["Pending", "Connecting", "Connected", "Disconnecting", "Disconnected"] as const),
  "ServiceDeleted",
] as const;

export const CLOUD_CHANGES = {
  "route-map": row({
    target: "cloud",
    kind: "fault",
    with: {
      transitRouter,
      priority: count("priority", 1, 100),
      transmit: word("transmit", ["in", "out"] as const, "in"),
      turn,
    },
    text: (of) => `${mapText(of)} of ${of.transitRouter} is ${OFF[of.turn]}`,
  }),
  propagation: row({
    target: "cloud",
    kind: "fault",
    with: { transitRouter, attachment, turn },
    text: (of) => `propagation of ${of.attachment} at ${of.transitRouter} is ${OFF[of.turn]}`,
  }),
  association: row({
    target: "cloud",
    kind: "fault",
    with: { transitRouter, attachment, turn },
    text: (of) => `association of ${of.attachment} at ${of.transitRouter} is ${OFF[of.turn]}`,
  }),
  "allowed-prefixes": row({
    target: "cloud",
    kind: "fault",
    with: {
      association: name("association"),
      prefixes: prefixes("prefixes"),
      mode: word("mode", ["match", "incremental"] as const, "match"),
    },
    text: ({ association, prefixes: of, mode }) =>
      `allowed prefixes of ${association} are ${of.join(", ") || "none"} (${mode})`,
  }),
  "ecr-route": row({
    target: "cloud",
    kind: "fault",
    with: { prefix: prefix("prefix"), instance: name("instance"), turn },
    text: (of) => `the ECR's route ${of.prefix} by ${of.instance} is ${OFF[of.turn]}`,
  }),
  "custom-route": row({
    target: "cloud",
    kind: "fault",
    with: {
      table: name("table"),
      prefix: prefix("prefix"),
      nextHop: word("nextHop", NEXT_HOPS_OR_NONE, "none"),
    },
    text: ({ table, prefix: of, nextHop }) =>
      nextHop === "none"
        ? `${table} loses its custom route ${of}`
        : `${table} gets a custom route ${of} to ${nextHop}`,
  }),
  cdt: row({
    target: "cloud",
    kind: "fault",
    with: { region: name("region"), turn },
    text: (of) => `Cloud Data Transfer of ${of.region} is ${OFF[of.turn]}`,
  }),
  endpoint: row({
    target: "cloud",
    kind: "fault",
    with: {
      endpoint: name("endpoint"),
      connection: word("connection", CONNECTIONS, "Disconnected"),
    },
    text: (of) => `the endpoint ${of.endpoint} is ${of.connection}`,
  }),
} as const;

const mapText = (of: { readonly priority: number; readonly transmit: string }): string =>
  `route map ${of.priority} (${of.transmit})`;
