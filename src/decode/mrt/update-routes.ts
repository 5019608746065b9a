import type { Family } from "../../bgp/wire/message.ts";
import { splitBody } from "../../bgp/wire/update.ts";
import { Afi } from "../../core/address.ts";
import { lengthMax } from "../../core/prefix.ts";
import type { BgpMessage } from "./entry.ts";
import { type MpRoutes, type RouteAttributes, readRouteAttributes } from "./route-attributes.ts";

/** What an UPDATE withdraws and announces, as far as it can be read; the rest is in `faults`. */
export interface UpdateRoutes {
  readonly withdrawn: readonly PrefixRun[];
  readonly announced: readonly PrefixRun[];
  readonly attributes: RouteAttributes;
  readonly faults: readonly string[];
}

/** Whole prefixes of one family, ready for an `NlriCursor`. */
export interface PrefixRun {
  readonly afi: Afi;
  readonly octets: Uint8Array;
  readonly hasPathIds: boolean;
  readonly nextHop: Uint8Array | undefined;
}

/** The routes of an UPDATE; a string where its fields leave the message. */
export function readUpdateRoutes({ body, as4, hasPathIds }: BgpMessage): UpdateRoutes | string {
  const fields = splitBody(body);
  if (!fields.ok) return fields.fault.because;
  const attributes = readRouteAttributes(fields.value.attributes, as4);
  const { nextHop, reach, unreach } = attributes;
  const faults = [...attributes.faults];
  const runsOf = (octets: Uint8Array, mp: MpRoutes | undefined): PrefixRun[] => {
    const plain = { family: IPV4_UNICAST, nextHop, nlri: octets };
    return [plain, ...(mp === undefined ? [] : [mp])].flatMap((routes) => {
      const afi = addressAfi(routes.family);
      if (afi === undefined) return [];
      const end = endOfPrefixes(routes.nlri, afi, hasPathIds);
      const restOctets = routes.nlri.length - end;
      if (restOctets > 0) faults.push(`${restOctets} octets behind the last whole prefix`);
      return [{ afi, octets: routes.nlri.subarray(0, end), hasPathIds, nextHop: routes.nextHop }];
    });
  };
  const withdrawn = runsOf(fields.value.withdrawn, unreach);
  return { withdrawn, announced: runsOf(fields.value.nlri, reach), attributes, faults };
}

/** Of a family whose prefixes are addresses: unicast, multicast, and the two at once. */
function addressAfi({ afi, safi }: Family): Afi | undefined {
  const isKnown = (afi === Afi.Ipv4 || afi === Afi.Ipv6) && safi >= 1 && safi <= SAFI_BOTH;
  return isKnown ? afi : undefined;
}

/** Where the last whole prefix of the run ends. */
function endOfPrefixes(octets: Uint8Array, afi: Afi, hasPathIds: boolean): number {
  const pathIdOctets = hasPathIds ? 4 : 0;
  const bitsMax = lengthMax(afi);
  let end = 0;
  for (;;) {
    const length = octets[end + pathIdOctets];
    if (length === undefined || length > bitsMax) return end;
    const next = end + pathIdOctets + 1 + ((length + 7) >> 3);
    if (next > octets.length) return end;
    end = next;
  }
}

const IPV4_UNICAST = { afi: Afi.Ipv4, safi: 1 };
/** Deprecated, and in old files (RFC 4760 §6 left it out). */
const SAFI_BOTH = 3;
