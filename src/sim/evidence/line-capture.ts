/**
 * What a capture at the edge's end of a circuit would hold: BGP, BFD and health checks. What the
 * edge sent is there even where the line lost it, with a comment that says so; what was sent to the
 * edge and lost is not. Probes are left out: they have a file of their own.
 */
import { BFD_PORT } from "../../bfd/index.ts";
import type { VirtualLink } from "../../platform/virtual/link.ts";
import type { Packet } from "../../platform/virtual/packet.ts";
import { frameOf } from "./frame.ts";
import { PcapngWriter } from "./pcapng.ts";

export interface LineCapture {
  readonly circuit: string;
  readonly file: PcapngWriter;
}

export function captureLine(
  link: VirtualLink,
  line: {
    readonly circuit: string;
    /** The hosts at its ends. */
    readonly edge: string;
    readonly far: string;
    /** What wall clocks show at instant 0. */
    readonly startWallMs: number;
  },
): LineCapture {
  const { circuit, edge, far, startWallMs } = line;
  const description = `${edge} on the line to ${far}`;
  const file = new PcapngWriter({ name: circuit, description });
  link.addTap(({ kind, at, from, to, vlanId, packet, lostBecause }) => {
    const isOut = kind === "sent" && from === edge && to === far;
    const isIn = kind === "arrived" && from === far && to === edge;
    if (!(isOut || isIn) || !isSignalling(packet)) return;
    const octets = frameOf(packet, { from, to, vlanId });
    if (octets === undefined) return;
    const timeNs = BigInt(startWallMs) * 1_000_000n + BigInt(Math.round(at)) * 1_000n;
    const comment = lostBecause && `lost on the line: ${lostBecause}`;
    file.add({ timeNs, octets, direction: isOut ? "out" : "in", comment });
  });
  return { circuit, file };
}

const isSignalling = ({ body }: Packet): boolean =>
  body.kind !== "udp" || BFD_PORTS.has(body.destinationPort);

/** RFC 5881 §4. */
const ECHO_PORT = 3785;
/** Single hop, multihop and echo. */
export const BFD_PORTS: ReadonlySet<number> = new Set([...Object.values(BFD_PORT), ECHO_PORT]);
