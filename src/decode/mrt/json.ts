import type { WireContext } from "../../bgp/wire/message.ts";
import { safeText } from "../../bgp/wire/text.ts";
import { Afi, formatAddress } from "../../core/address.ts";
import { toHex } from "../../core/bytes.ts";
import { formatPrefix } from "../../core/prefix.ts";
import { dissect } from "../dissect.ts";
import { dissectAttributes } from "../dissect-attributes.ts";
import type { DecodeRecord, Facts } from "../record.ts";
import { judge } from "../verdict.ts";
import type { BgpMessage, Entry, RibEntry, SessionEnd } from "./entry.ts";
import type { MrtRecord } from "./record-reader.ts";
import { typeName } from "./types.ts";

/** Of the objects below: raised when a key changes its meaning or goes away. */
export const JSON_VERSION = 1;

/** An entry with everything that is in it, as the other kinds of `causeway decode` show it. */
export function entryFacts(entry: Exclude<Entry, { kind: "broken" }>, record: MrtRecord): Facts {
  const { timeSec, timeUs, type, subtype } = record;
  const head = {
    kind: entry.kind,
    type: typeName(type, subtype),
    timeSec: timeUs === undefined ? timeSec : timeSec + timeUs / 1e6,
  };
  switch (entry.kind) {
    case "message":
      return { ...head, ...messageFacts(entry) };
    case "state-change":
      return {
        ...head,
        peer: endFacts(entry.peer),
        ...(entry.local === undefined ? {} : { local: endFacts(entry.local) }),
        oldState: STATE_NAMES[entry.oldState] ?? entry.oldState,
        newState: STATE_NAMES[entry.newState] ?? entry.newState,
      };
    case "peer-index-table":
      return {
        ...head,
        collectorId: formatAddress(entry.collectorId),
        viewName: safeText(entry.viewName),
        peers: entry.peers.map(endFacts),
      };
    case "rib-entry":
      return { ...head, ...ribFacts(entry) };
    case "unread":
      return { ...head, hex: toHex(entry.octets) };
  }
}

function messageFacts(entry: BgpMessage): Facts {
  const { peer, local, as4, hasPathIds } = entry;
  const isKnown = peer.as !== 0 && local.as !== 0;
  const record: DecodeRecord = {
    place: {},
    encoding: "body",
    messageType: entry.messageType,
    octets: entry.body,
    hints: {
      as4,
      extendedMessages: true,
      addPath: hasPathIds ? ADD_PATH_FAMILIES : [],
      ...(isKnown ? { session: peer.as === local.as ? "ibgp" : "ebgp" } : {}),
    },
  };
  const verdict = judge(record);
  const { action, code, subcode, dataHex, why } = verdict ?? NO_VERDICT;
  return {
    peer: endFacts(peer),
    local: endFacts(local),
    ...(entry.interfaceIndex === undefined ? {} : { interfaceIndex: entry.interfaceIndex }),
    ...{ direction: entry.isLocal ? "sent" : "received", action, code, subcode, dataHex, why },
    message: dissect(record, verdict?.context ?? contextOf(as4)),
  };
}

function ribFacts(entry: RibEntry): Facts {
  const { family, prefix, sequence, pathId, peer, originatedTimeSec, as4, attributes } = entry;
  return {
    sequence,
    ...family,
    ...(prefix === undefined ? { nlriHex: toHex(entry.nlri) } : { prefix: formatPrefix(prefix) }),
    ...(pathId === undefined ? {} : { pathId }),
    peer: endFacts(peer),
    originatedTimeSec,
    attributes: dissectAttributes(attributes, contextOf(as4)),
  };
}

const endFacts = ({ as, address, bgpIdentifier }: SessionEnd): Facts => ({
  as,
  address: formatAddress(address),
  ...(bgpIdentifier === undefined ? {} : { bgpIdentifier: formatAddress(bgpIdentifier) }),
});

/** What a table was read with, and a message nobody could judge. */
const contextOf = (as4: boolean): WireContext => ({
  as4,
  extendedMessages: true,
  addPath: [],
  families: undefined,
  session: "ibgp",
  peerAs: undefined,
});

const NO_VERDICT = { action: null, code: null, subcode: null, dataHex: null, why: null };

const ADD_PATH_FAMILIES = [Afi.Ipv4, Afi.Ipv6].flatMap((afi) =>
  [1, 2].map((safi) => ({ afi, safi })),
);

/** RFC 6396 §4.4.1; the last two are Quagga's. */
const STATE_NAMES: Readonly<Record<number, string>> = {
  1: "Idle",
  2: "Connect",
  3: "Active",
  4: "OpenSent",
  5: "OpenConfirm",
  6: "Established",
  7: "Clearing",
  8: "Deleted",
};
