import { decodeAsPath, mergeAs4Path } from "../../bgp/wire/as-path.ts";
import { AttributeCursor } from "../../bgp/wire/attributes.ts";
import { decodeWords } from "../../bgp/wire/communities.ts";
import { AS_TRANS, AttributeType } from "../../bgp/wire/iana.ts";
import type { Aggregator, AsSegment, Family } from "../../bgp/wire/message.ts";
import { ByteReader } from "../../core/bytes.ts";

/**
 * The path attributes a line of a table has columns for. Read as leniently as a dump asks for: a
 * collector keeps what a router would discard, an AS 0 or a confederation segment among it, so that
 * the codec's judgement is not asked for here. What cannot be read is missing and in `faults`.
 */
export interface RouteAttributes {
  readonly origin: number | undefined;
  /** After the AS4 merge; `malformed` where there is one that cannot be read. */
  readonly asPath: readonly AsSegment[] | "malformed" | undefined;
  readonly nextHop: Uint8Array | undefined;
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly communities: readonly number[];
  readonly isAtomicAggregate: boolean;
  readonly aggregator: Aggregator | undefined;
  readonly reach: MpRoutes | undefined;
  readonly unreach: MpRoutes | undefined;
  readonly faults: readonly string[];
}

/** MP_REACH_NLRI or MP_UNREACH_NLRI (RFC 4760 §3, §4), its prefixes not looked at. */
export interface MpRoutes {
  readonly family: Family;
  readonly nextHop: Uint8Array | undefined;
  readonly nlri: Uint8Array;
}

export function readRouteAttributes(octets: Uint8Array, as4: boolean): RouteAttributes {
  const draft = new Draft(as4);
  const cursor = new AttributeCursor(octets);
  const seen = new Set<number>();
  while (cursor.next()) {
    // RFC 7606 §3 g: the first one counts.
    if (seen.has(cursor.type)) draft.faults.push(`attribute ${cursor.type} more than once`);
    else draft.take(cursor.type, cursor.value);
    seen.add(cursor.type);
  }
  if (cursor.isCut) draft.faults.push("the path attributes end inside one");
  draft.mergeAs4();
  return draft;
}

type Mutable<Item> = { -readonly [Key in keyof Item]: Item[Key] };

class Draft implements Mutable<RouteAttributes> {
  origin: number | undefined = undefined;
  asPath: readonly AsSegment[] | "malformed" | undefined = undefined;
  nextHop: Uint8Array | undefined = undefined;
  localPref: number | undefined = undefined;
  med: number | undefined = undefined;
  communities: readonly number[] = [];
  isAtomicAggregate = false;
  aggregator: Aggregator | undefined = undefined;
  reach: MpRoutes | undefined = undefined;
  unreach: MpRoutes | undefined = undefined;
  readonly faults: string[] = [];
  readonly #as4: boolean;
  #as4Path: readonly AsSegment[] | undefined = undefined;
  #as4Aggregator: Aggregator | undefined = undefined;

  constructor(as4: boolean) {
    this.#as4 = as4;
  }

  take(type: number, value: Uint8Array): void {
    const reader = new ByteReader(value);
    switch (type) {
      case AttributeType.Origin:
        this.origin = reader.u8();
        break;
      case AttributeType.AsPath:
        this.asPath = this.#readPath(type, value, this.#as4) ?? "malformed";
        break;
      case AttributeType.NextHop:
        if (value.length >= 4) this.nextHop = value.subarray(0, 4);
        reader.take(4);
        break;
      case AttributeType.MultiExitDisc:
        this.med = reader.u32();
        break;
      case AttributeType.LocalPref:
        this.localPref = reader.u32();
        break;
      case AttributeType.AtomicAggregate:
        this.isAtomicAggregate = true;
        break;
      case AttributeType.Aggregator:
        this.aggregator = readAggregator(reader, value.length === 8);
        break;
      case AttributeType.Communities:
        this.communities = decodeWords(value.subarray(0, value.length & ~3));
        break;
      case AttributeType.MpReachNlri: {
        const family = readFamily(reader);
        const nextHop = reader.take(reader.u8());
        reader.u8(); // Reserved.
        if (!reader.overrun) this.reach = { family, nextHop, nlri: reader.rest() };
        break;
      }
      case AttributeType.MpUnreachNlri: {
        const family = readFamily(reader);
        if (!reader.overrun) this.unreach = { family, nextHop: undefined, nlri: reader.rest() };
        break;
      }
      case AttributeType.As4Path:
        if (!this.#as4) this.#as4Path = this.#readPath(type, value, true);
        break;
      case AttributeType.As4Aggregator:
        if (!this.#as4) this.#as4Aggregator = readAggregator(reader, true);
        break;
    }
    if (reader.overrun) this.faults.push(`attribute ${type} is too short`);
  }

  /** RFC 6793 §4.2.3: an AGGREGATOR that is not AS_TRANS was written after both AS4 attributes. */
  mergeAs4(): void {
    if (this.aggregator !== undefined && this.#as4Aggregator !== undefined) {
      if (this.aggregator.as !== AS_TRANS) return;
      this.aggregator = this.#as4Aggregator;
    }
    if (this.#as4Path !== undefined && typeof this.asPath === "object") {
      this.asPath = mergeAs4Path(this.asPath, this.#as4Path);
    }
  }

  #readPath(type: number, value: Uint8Array, as4: boolean): readonly AsSegment[] | undefined {
    const path = decodeAsPath(value, as4);
    if (path.ok) return path.value;
    this.faults.push(`attribute ${type}: ${path.fault.because}`);
    return undefined;
  }
}

const readFamily = (reader: ByteReader): Family => ({ afi: reader.u16(), safi: reader.u8() });

function readAggregator(reader: ByteReader, as4: boolean): Aggregator | undefined {
  const as = as4 ? reader.u32() : reader.u16();
  const address = reader.take(4);
  return reader.overrun ? undefined : { as, address };
}
