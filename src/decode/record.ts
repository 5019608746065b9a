import type { Family } from "../bgp/wire/message.ts";
import type { Afi } from "../core/address.ts";

/** What a reader hands on: something to decode, or the news that there is nothing to be had. */
export type Input = DecodeRecord | Unreadable;

/** Where something stood: source, line, frame, stream, octet offset …, as far as it has one. */
export type Place = Readonly<Record<string, string | number>>;

export interface DecodeRecord {
  readonly place: Place;
  readonly encoding: Encoding;
  readonly octets: Uint8Array;
  /** Of a `body`. */
  readonly messageType?: number;
  readonly hints: ContextHints;
}

export interface Unreadable {
  readonly place: Place;
  readonly error: string;
  /** The octets in question, where there are any. */
  readonly hex?: string;
}

export const ENCODINGS = [
  "message",
  "body",
  "attributes",
  "as_path",
  "nlri",
  "capability",
  "optional_parameters",
  "bfd",
] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** What the user says of all records that do not say it themselves. */
export interface Told extends ContextHints {
  /** What the octets are. */
  readonly encoding?: Encoding;
  /** Of a `body`. */
  readonly messageType?: number;
}

/** As much of a `WireContext` as somebody told; what is missing is tried both ways. */
export interface ContextHints {
  readonly as4?: boolean;
  readonly session?: "ebgp" | "ibgp";
  readonly peerAs?: number;
  readonly addPath?: readonly Family[];
  readonly extendedMessages?: boolean;
  /** Of an `nlri` that stands alone. */
  readonly afi?: Afi;
}

/** Plain data for JSON: addresses and prefixes as text, numbers as numbers, the rest as hex. */
export type Facts = { readonly [name: string]: unknown };
