import { decodeAsPath } from "../../bgp/wire/as-path.ts";
import { AttributeCursor } from "../../bgp/wire/attributes.ts";
import { HEADER_OCTETS } from "../../bgp/wire/header.ts";
import { AttributeType, MessageType } from "../../bgp/wire/iana.ts";
import type { Capability, Family, OpenMessage } from "../../bgp/wire/message.ts";
import { decodeOpen } from "../../bgp/wire/open.ts";
import { splitBody } from "../../bgp/wire/update.ts";
import type { ContextHints } from "../record.ts";

/** Whole messages of the two directions of one connection. */
export type TwoWay = readonly [readonly Uint8Array[], readonly Uint8Array[]];

/**
 * What the messages of a captured connection tell about it, for either direction: from both OPENs
 * where the capture has them, else what one of them rules out, else the width of AS numbers that
 * more of the UPDATEs can be read with.
 */
export function learnSession(messages: TwoWay): readonly [ContextHints, ContextHints] {
  const first = openOf(messages[0]);
  const second = openOf(messages[1]);
  const as4 = as4Of(first, second) ?? guessAs4(messages);
  const isInternal = first && second && asOf(first) === asOf(second);
  const base: ContextHints = {
    ...(as4 === undefined ? {} : { as4 }),
    ...(isInternal === undefined ? {} : { session: isInternal ? "ibgp" : "ebgp" }),
    extendedMessages: bothHave(first, second, "extended-message") ?? true,
  };
  return [
    { ...base, addPath: addPathOf(first, second) },
    { ...base, addPath: addPathOf(second, first) },
  ];
}

function openOf(messages: readonly Uint8Array[]): OpenMessage | undefined {
  const octets = messages.find((message) => message[18] === MessageType.Open);
  const open = octets && decodeOpen(octets.subarray(HEADER_OCTETS));
  return open?.ok ? open.value : undefined;
}

function asOf(open: OpenMessage): number {
  const capability = find(open, "four-octet-as");
  return capability?.as ?? open.myAs;
}

const as4Of = (a: OpenMessage | undefined, b: OpenMessage | undefined): boolean | undefined =>
  bothHave(a, b, "four-octet-as");

/** False as soon as one of the two is known not to; undefined while one of them is unknown. */
function bothHave(
  a: OpenMessage | undefined,
  b: OpenMessage | undefined,
  kind: Capability["kind"],
): boolean | undefined {
  for (const open of [a, b]) {
    if (open !== undefined && find(open, kind) === undefined) return false;
  }
  return a !== undefined && b !== undefined ? true : undefined;
}

/** Families in which `sender` sends path identifiers to `receiver` (RFC 7911 §4). */
function addPathOf(
  sender: OpenMessage | undefined,
  receiver: OpenMessage | undefined,
): readonly Family[] {
  const takes = receiver && find(receiver, "add-path")?.families;
  const sends = sender && find(sender, "add-path")?.families;
  if (takes === undefined || sends === undefined) return [];
  return sends.filter(
    ({ afi, safi, mode }) =>
      (mode & 2) !== 0 &&
      takes.some((other) => other.afi === afi && other.safi === safi && (other.mode & 1) !== 0),
  );
}

function find<Kind extends Capability["kind"]>(
  open: OpenMessage,
  kind: Kind,
): Extract<Capability, { kind: Kind }> | undefined {
  return open.capabilities.find(
    (capability): capability is Extract<Capability, { kind: Kind }> => capability.kind === kind,
  );
}

function guessAs4(messages: TwoWay): boolean | undefined {
  let votes = 0;
  for (const octets of messages.flat()) {
    if (octets[18] === MessageType.Update) votes += voteOf(octets.subarray(HEADER_OCTETS));
  }
  return votes === 0 ? undefined : votes > 0;
}

/**
 * Positive where only 4-octet numbers make sense of the UPDATE, negative where only 2-octet ones.
 */
function voteOf(body: Uint8Array): number {
  const fields = splitBody(body);
  if (!fields.ok) return 0;
  const cursor = new AttributeCursor(fields.value.attributes);
  let votes = 0;
  while (cursor.next()) {
    if (cursor.type === AttributeType.AsPath) {
      votes += Number(isPlausible(cursor.value, true)) - Number(isPlausible(cursor.value, false));
    } else if (cursor.type === AttributeType.Aggregator) {
      votes += cursor.value.length === 8 ? 1 : -1;
    } else if (cursor.type === AttributeType.As4Path) {
      votes -= 1;
    }
  }
  return votes;
}

function isPlausible(asPath: Uint8Array, as4: boolean): boolean {
  const path = decodeAsPath(asPath, as4);
  return path.ok && !path.value.some(({ ases }) => ases.includes(0));
}
