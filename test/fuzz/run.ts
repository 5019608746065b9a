/** Plays a case, whatever its level; the answer is what is broken, or nothing. */

import type { BfdAuthConfig, BfdEffect, BfdInput } from "../../src/bfd/sessions/contract.ts";
import { BfdSessions } from "../../src/bfd/sessions/sessions.ts";
import { decodeControlPacket } from "../../src/bfd/wire/control-packet.ts";
import { encodeAttributes } from "../../src/bgp/wire/attribute-encode.ts";
import { decodeMessage } from "../../src/bgp/wire/decode.ts";
import { type Frame, Framer } from "../../src/bgp/wire/framer.ts";
import type { UpdateMessage, WireContext } from "../../src/bgp/wire/message.ts";
import { decodeUpdate, encodeUpdate } from "../../src/bgp/wire/update.ts";
import { fromHex } from "../../src/core/bytes.ts";
import { seededRng } from "../../src/core/rng.ts";
import { micros } from "../../src/core/time.ts";
import { EBGP, IBGP, OLD } from "../support/wire-octets.ts";
import { sessionConfig } from "../unit/bfd/harness.ts";
import type { BfdOctetsCase, BgpOctetsCase, FuzzCase, SessionCase } from "./case.ts";
import { Broken, Rig } from "./rig.ts";

export function broken(whole: FuzzCase): string | undefined {
  try {
    if (whole.level === "session") playSession(whole);
    else if (whole.level === "bgp-octets") playBgp(whole);
    else playBfd(whole);
    return undefined;
  } catch (error) {
    if (error instanceof Broken) return error.message;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function playSession({ variant, steps }: SessionCase): void {
  const rig = new Rig(variant);
  for (const step of steps) rig.play(step);
  rig.finish();
}

const CONTEXTS: readonly WireContext[] = [
  EBGP,
  IBGP,
  { ...OLD, peerAs: undefined },
  { ...EBGP, extendedMessages: true, families: [{ afi: 1, safi: 1 }] },
  { ...EBGP, addPath: [{ afi: 1, safi: 1 }] },
];

function playBgp({ chunks }: BgpOctetsCase): void {
  for (const context of CONTEXTS) {
    const framer = new Framer();
    for (const chunk of chunks) {
      framer.push(fromHex(chunk) ?? new Uint8Array(0));
      for (;;) {
        const frame = framer.next(context.extendedMessages);
        if (!frame.ok || frame.value === undefined) break;
        decodeOne(frame.value, context);
      }
    }
    if (framer.bufferedOctets > 1 << 20) throw new Broken("the framer hoards octets");
  }
}

/** What we take from a message we can say ourselves, and would take again. */
function decodeOne(frame: Frame, context: WireContext): void {
  const message = decodeMessage(frame, context);
  if (!message.ok || message.value.kind !== "update") return;
  const update: UpdateMessage = message.value;
  const { attributes } = update;
  const [run] = update.reach;
  if (attributes === undefined || run?.afi !== 1 || update.treatAsWithdraw) return;
  if (attributes.nextHop.length !== 4 || run.hasPathIds) return;
  const { as4, session } = context;
  const encoded = encodeAttributes(attributes, { as4, session, includeNextHop: true });
  const again = decodeUpdate(encodeUpdate({ attributes: encoded, nlri: run.octets }).subarray(19), {
    ...context,
    addPath: [],
  });
  if (!again.ok) throw new Broken(`what was read is refused when written: ${again.fault.because}`);
  const fault = again.value.faults[0];
  if (fault !== undefined)
    throw new Broken(`what was read is faulty when written: ${fault.because}`);
}

const AUTHS: readonly (BfdAuthConfig | undefined)[] = [
  undefined,
  { type: "simple-password", sendKeyId: 1, keys: [{ id: 1, secret: Uint8Array.of(1, 2, 3) }] },
  { type: "meticulous-keyed-sha1", sendKeyId: 1, keys: [{ id: 1, secret: Uint8Array.of(9) }] },
];

function playBfd({ packets }: BfdOctetsCase): void {
  for (const auth of AUTHS) {
    const machine = new BfdSessions({ rng: seededRng(1) });
    const out: BfdEffect[] = [];
    const tell = (input: BfdInput, us: number) => machine.handle(input, micros(us), out);
    tell({ kind: "configure", sessions: [sessionConfig({ auth })] }, 0);
    let now = 0;
    for (const hex of packets) {
      const octets = fromHex(hex) ?? new Uint8Array(0);
      decodeControlPacket(octets);
      now += 10_000;
      const ends = { localAddress: "10.0.0.1", remoteAddress: "10.0.0.2", device: "eth0" };
      tell({ kind: "packet", octets, ...ends, ttl: 255, port: 3784 }, now);
      const deadline = machine.nextDeadline();
      if (deadline !== undefined && deadline <= now) machine.expire(micros(now), out);
    }
    const session = machine.view()[0];
    if (session?.state === "Up" && auth !== undefined) throw new Broken("Up without the key");
    if (out.length > 10 * packets.length + 10) throw new Broken(`${out.length} effects`);
  }
}
