import type { Deadlines } from "../../core/deadlines.ts";
import type { LogFields, LogLevel } from "../../core/log.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import { formatFamily } from "../fsm/negotiate.ts";
import type { ReceiveOutcome } from "../rib/contract.ts";
import * as ceases from "./ceases.ts";
import type { Channels } from "./channels.ts";
import type { PeerConfig } from "./config.ts";
import type { SpeakerEffect } from "./effects.ts";
import type { Gate } from "./gate.ts";
import type { Tally } from "./tally.ts";

/** Whose limit it is. */
export interface LimitedPeer {
  readonly config: PeerConfig;
  readonly gate: Gate;
  readonly tally: Tally;
  readonly channels: Channels;
  readonly timers: Pick<Deadlines<"PrefixLimitRestartTimer">, "arm">;
  admitLog(cause: string, now: Micros): number | undefined;
  log(level: LogLevel, event: string, fields: LogFields, out: SpeakerEffect[]): void;
}

/**
 * What the configuration says is done where a peer announces too many prefixes (RFC 4486 §4); what
 * no configuration allows was not taken, and is counted here.
 */
export function limitReached(
  peer: LimitedPeer,
  outcome: Exclude<ReceiveOutcome, { readonly kind: "ok" }>,
  now: Micros,
  out: SpeakerEffect[],
): void {
  const { kind, family, count } = outcome;
  if (kind === "no-room") {
    peer.tally.discard(`no-room-${outcome.reason}`, count);
    const held = peer.admitLog(kind, now);
    if (held === undefined) return;
    const { reason } = outcome;
    const fields = { family: formatFamily(family), count, reason, suppressed: held };
    peer.log("error", "bgp.peer.no-room", fields, out);
    return;
  }
  const { maxPrefix } = peer.config;
  if (maxPrefix === undefined) return;
  const { limit, action, restartSec } = maxPrefix;
  const suppressed = peer.admitLog(kind, now);
  if (suppressed !== undefined) {
    const fields = { family: formatFamily(family), count, limit, action, suppressed };
    const event = kind === "limit-warning" ? "near" : "exceeded";
    peer.log("warn", `bgp.prefix-limit.${event}`, fields, out);
  }
  const isFatal = action === "reset" || action === "shutdown";
  if (kind === "limit-warning" || !isFatal) return;
  const text = ceases.prefixLimitText(family, limit);
  const cease = ceases.prefixLimitCease(family, limit, text);
  if (action === "reset" && restartSec === undefined) {
    peer.channels.stop("AutomaticStop", cease, now, out);
    return;
  }
  const next = restartSec === undefined ? "waits for an operator" : `restarts in ${restartSec} s`;
  peer.gate.limit = `${text}; ${next}`;
  peer.channels.stop("ManualStop", { ...cease, text: peer.gate.limit }, now, out);
  if (restartSec !== undefined) {
    peer.timers.arm("PrefixLimitRestartTimer", after(now, restartSec * US_PER_SEC));
  }
}
