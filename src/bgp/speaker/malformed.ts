import { Afi } from "../../core/address.ts";
import { toHex } from "../../core/bytes.ts";
import type { LogFields } from "../../core/log.ts";
import { formatPrefix } from "../../core/prefix.ts";
import { Severity, type WireFault } from "../wire/fault.ts";
import type { Frame } from "../wire/framer.ts";
import type { NlriRun, UpdateMessage, WireContext } from "../wire/message.ts";
import { decodeRun } from "../wire/mp-nlri.ts";
import { NlriCursor } from "../wire/nlri.ts";
import { splitBody } from "../wire/update.ts";
import { SPEAKER_LIMITS } from "./limits.ts";

export interface Malformed {
  readonly frame: Frame;
  readonly context: WireContext;
  /** What was made of the message; undefined where it ends the session. */
  readonly update: UpdateMessage | undefined;
  readonly fault: WireFault;
  /** Octets of the message that go into the line. */
  readonly octetsMax: number;
}

/**
 * What the log says of a malformed UPDATE: RFC 7606 §6 wants the routes and the whole message, so
 * that the peer's vendor can be shown it. The line is a record for `causeway decode`, too: with the
 * octets go the facts of the session they are read by.
 */
export function malformedFields({
  frame,
  context,
  update,
  fault,
  octetsMax,
}: Malformed): LogFields {
  const { as4, session, peerAs, extendedMessages } = context;
  const { length } = frame.octets;
  return {
    action: ACTIONS[fault.severity],
    code: fault.code,
    subcode: fault.subcode,
    reason: fault.reason,
    because: fault.because,
    nlri: routesText(update === undefined ? runsOf(frame, context) : runsIn(update)),
    octets: length,
    ...(length > octetsMax ? { cutTo: octetsMax } : {}),
    hex: toHex(frame.octets.subarray(0, octetsMax)),
    ...{ as4, session, peerAs, extendedMessages },
  };
}

const runsIn = ({ unreach, reach }: UpdateMessage): readonly NlriRun[] => [...unreach, ...reach];

/** The IPv4 routes of a message that could not be read as a whole, as far as they can. */
function runsOf(frame: Frame, context: WireContext): readonly NlriRun[] {
  const fields = splitBody(frame.body);
  if (!fields.ok) return [];
  return [fields.value.withdrawn, fields.value.nlri].flatMap((octets) => {
    const run = decodeRun(octets, Afi.Ipv4, context);
    return run.ok ? run.value : [];
  });
}

/** The first few by name. */
function routesText(runs: readonly NlriRun[]): string {
  const names: string[] = [];
  const cursor = new NlriCursor();
  let count = 0;
  for (const run of runs) {
    count += run.count;
    cursor.reset(run);
    while (names.length < SPEAKER_LIMITS.malformedRoutesLogged && cursor.next()) {
      const address = new Uint8Array(run.afi === Afi.Ipv4 ? 4 : 16);
      cursor.copyAddress(address, 0);
      names.push(formatPrefix({ afi: run.afi, address, length: cursor.length }));
    }
  }
  const more = count - names.length;
  return more > 0 ? `${names.join(" ")} and ${more} more` : names.join(" ");
}

const ACTIONS: Readonly<Record<Severity, string>> = {
  [Severity.AttributeDiscard]: "attribute-discard",
  [Severity.TreatAsWithdraw]: "treat-as-withdraw",
  [Severity.AfiSafiDisable]: "afi-safi-disable",
  [Severity.SessionReset]: "session-reset",
};
