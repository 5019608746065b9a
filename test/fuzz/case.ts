/**
 * One run of the fuzzer as plain data: it can be saved, shrunk and played again. Octets are hex.
 */
export type FuzzCase = SessionCase | BgpOctetsCase | BfdOctetsCase;

/** What a hostile peer does to a router that has a healthy one as well. */
export interface SessionCase {
  readonly level: "session";
  /** Which configuration, see `rig.ts`. */
  readonly variant: number;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly do: "accept" | "connected" | "stall" | "drain" }
  | { readonly do: "closed"; readonly cause: "fin" | "reset" | "refused" }
  /** On every connection of the hostile peer that is open. */
  | { readonly do: "say"; readonly hex: string }
  | { readonly do: "wait"; readonly us: number }
  /** With `isInformed` the octets of Your Discriminator are replaced by the right ones. */
  | {
      readonly do: "bfd";
      readonly hex: string;
      readonly isInformed: boolean;
      readonly ttl: number;
      readonly port: number;
      readonly device: string;
    }
  | { readonly do: "order"; readonly order: (typeof ORDERS)[number] };

export const ORDERS = ["refresh", "bfd-down", "hold", "release", "reset", "reconfigure"] as const;

/** A stream in segments, decoded in every context. */
export interface BgpOctetsCase {
  readonly level: "bgp-octets";
  readonly chunks: readonly string[];
}

export interface BfdOctetsCase {
  readonly level: "bfd-octets";
  readonly packets: readonly string[];
}

/** The lists a case is made of, for those who shrink it. */
export function withParts(whole: FuzzCase, parts: readonly unknown[]): FuzzCase {
  switch (whole.level) {
    case "session":
      return { ...whole, steps: parts as readonly Step[] };
    case "bgp-octets":
      return { ...whole, chunks: parts as readonly string[] };
    case "bfd-octets":
      return { ...whole, packets: parts as readonly string[] };
  }
}

export function partsOf(whole: FuzzCase): readonly (Step | string)[] {
  if (whole.level === "session") return whole.steps;
  return whole.level === "bgp-octets" ? whole.chunks : whole.packets;
}
