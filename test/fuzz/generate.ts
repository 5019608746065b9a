/** A case from a number: sessions as peers have them, spoiled here and there. */
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { concatBytes, toHex } from "../../src/core/bytes.ts";
import { type Rng, seededRng } from "../../src/core/rng.ts";
import { IPV6, remoteOpen } from "../support/bgp-session.ts";
import { type FuzzCase, ORDERS, type Step } from "./case.ts";
import { aControlPacket, aMessage, anOpen, anUpdate, chance, many, pick } from "./grammar.ts";
import { segments, spoilMessage, spoilOctets } from "./mutate.ts";

/** `vectors` are whole messages from elsewhere, thrown in now and then. */
export function generate(seed: number, vectors: readonly Uint8Array[]): FuzzCase {
  const rng = seededRng(seed);
  const level = rng.int(0, 9);
  if (level === 0) {
    const stream = concatBytes(many(rng, 6, () => spoiled(rng, aMessage(rng), vectors)));
    return { level: "bgp-octets", chunks: segments(rng, stream).map(toHex) };
  }
  if (level === 1) {
    const packets = many(rng, 10, () => spoilOctets(rng, aControlPacket(rng)));
    return { level: "bfd-octets", packets: packets.map(toHex) };
  }
  return { level: "session", variant: rng.int(0, 15), steps: sessionOf(rng, vectors) };
}

function sessionOf(rng: Rng, vectors: readonly Uint8Array[]): Step[] {
  const steps: Step[] = [];
  const acts = rng.int(1, 12);
  for (let act = 0; act < acts; act += 1) {
    if (act === 0 || chance(rng, 0.15)) steps.push(...greeting(rng));
    steps.push(...anAct(rng, vectors));
  }
  return steps;
}

function greeting(rng: Rng): Step[] {
  const steps: Step[] = [{ do: chance(rng, 0.8) ? "accept" : "connected" }];
  const { capabilities } = remoteOpen();
  const ipv6 = { kind: "multiprotocol" as const, family: IPV6 };
  const plain = encodeOpen({ ...remoteOpen(), capabilities: [...capabilities, ipv6] });
  const open = chance(rng, 0.6) ? plain : anOpen(rng);
  const hello = chance(rng, 0.1) ? spoilMessage(rng, open) : open;
  steps.push(...said(rng, chance(rng, 0.9) ? concatBytes([hello, encodeKeepalive()]) : hello));
  return steps;
}

const said = (rng: Rng, stream: Uint8Array): Step[] =>
  segments(rng, stream).map((segment) => ({ do: "say", hex: toHex(segment) }));

function anAct(rng: Rng, vectors: readonly Uint8Array[]): Step[] {
  switch (rng.int(0, 11)) {
    case 0:
      return [{ do: "wait", us: pick(rng, [0, 1000, 1_000_000, 10_000_000, 100_000_000]) }];
    case 1:
      return [{ do: "closed", cause: pick(rng, ["fin", "reset", "refused"] as const) }];
    case 2:
      return [{ do: pick(rng, ["accept", "connected", "stall", "drain"] as const) }];
    case 3:
      return [{ do: "order", order: pick(rng, ORDERS) }];
    case 4:
    case 5:
      return many(rng, 8, () => aBfdStep(rng));
    case 6: {
      const update = spoiled(rng, anUpdate(rng), vectors);
      return said(rng, concatBytes(Array.from({ length: rng.int(1, 200) }, () => update)));
    }
    default:
      return said(rng, concatBytes(many(rng, 8, () => spoiled(rng, aMessage(rng), vectors))));
  }
}

function spoiled(rng: Rng, message: Uint8Array, vectors: readonly Uint8Array[]): Uint8Array {
  if (vectors.length > 0 && chance(rng, 0.03)) return pick(rng, vectors);
  let out = message;
  while (chance(rng, 0.25) && out.length >= 19) out = spoilMessage(rng, out);
  return out;
}

function aBfdStep(rng: Rng): Step {
  const packet = aControlPacket(rng);
  return {
    do: "bfd",
    hex: toHex(chance(rng, 0.5) ? packet : spoilOctets(rng, packet)),
    isInformed: chance(rng, 0.7),
    ttl: chance(rng, 0.9) ? 255 : rng.int(0, 255),
    port: chance(rng, 0.95) ? 3784 : 4784,
    device: chance(rng, 0.95) ? "eth1" : "eth2",
  };
}
