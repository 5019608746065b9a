import { toHex } from "../core/bytes.ts";
import { type Piece, piecesOf } from "./capture/messages.ts";
import { isReadLink, type Packet, Protocol, packetOf } from "./capture/packet.ts";
import { type CapturedFrame, readCapture } from "./capture/pcap.ts";
import { learnSession } from "./capture/session.ts";
import { formatEndpoint, type TcpStream, TcpTable } from "./capture/tcp.ts";
import type { ContextHints, Input, Place } from "./record.ts";

/**
 * BGP and BFD out of a capture file. Packets that cannot be read come as they are met; then, in the
 * order of the frames that completed them, BFD packets and BGP messages. They have to wait for the
 * end of the file because the session's OPENs may stand anywhere in it.
 */
export function* readCaptureFile(
  octets: Uint8Array,
  place: Place,
  told: ContextHints,
): Generator<Input> {
  const reader = new CaptureReader(place, told);
  const unreadLinks = new Set<number>();
  for (const item of readCapture(octets)) {
    if ("error" in item) {
      yield { place: { ...place, ...item.place }, error: item.error };
      continue;
    }
    const error = reader.take(item);
    // A link type nobody reads is one complaint, not one for every frame.
    if (error === undefined || unreadLinks.has(item.linkType)) continue;
    if (!isReadLink(item.linkType)) unreadLinks.add(item.linkType);
    yield { place: reader.placeOf(item), error };
  }
  reader.finish();
  for (const { input } of reader.found) yield input;
}

/** Something to hand on, and the frame that completed it. */
interface Found {
  readonly frame: CapturedFrame;
  readonly input: Input;
}

class CaptureReader {
  readonly found: Found[] = [];
  readonly #table = new TcpTable(BGP_PORT);
  readonly #place: Place;
  readonly #told: ContextHints;

  constructor(place: Place, told: ContextHints) {
    this.#place = place;
    this.#told = told;
  }

  /** What is wrong with the frame, where something is. */
  take(frame: CapturedFrame): string | undefined {
    const packet = packetOf(frame.linkType, frame.octets);
    if (!packet.ok) return packet.fault;
    if (packet.value === undefined) return undefined;
    if (packet.value.protocol === Protocol.Udp) return this.#takeDatagram(packet.value, frame);
    return this.#table.add(packet.value, frame) ? undefined : "a TCP header cut short";
  }

  finish(): void {
    this.#table.finish();
    for (const stream of this.#table.streams) this.#takeStream(stream);
    this.found.sort((a, b) => a.frame.number - b.frame.number);
  }

  placeOf(frame: CapturedFrame): Place {
    return { ...this.#place, frame: frame.number, timeSec: frame.timeSec };
  }

  #takeDatagram(packet: Packet, frame: CapturedFrame): string | undefined {
    const { payload, ttl } = packet;
    if (payload.length < UDP_HEADER_OCTETS) return "a UDP header cut short";
    const sourcePort = u16(payload, 0);
    const destinationPort = u16(payload, 2);
    if (!BFD_PORTS.has(destinationPort) && sourcePort !== SBFD_PORT) return undefined;
    const lengthOctets = u16(payload, 4);
    const place = {
      ...this.placeOf(frame),
      from: formatEndpoint(packet.source, sourcePort),
      to: formatEndpoint(packet.destination, destinationPort),
      ttl,
    };
    const isWhole = lengthOctets >= UDP_HEADER_OCTETS && packet.missingOctets === 0;
    const octets = payload.subarray(UDP_HEADER_OCTETS, isWhole ? lengthOctets : undefined);
    const input: Input = isWhole
      ? { place, encoding: "bfd", octets, hints: {} }
      : { place, error: "a BFD packet the capture cut short", hex: toHex(octets) };
    this.found.push({ frame, input });
    return undefined;
  }

  #takeStream(stream: TcpStream): void {
    const [first, second] = stream.directions.map((direction) => [...piecesOf(direction.parts)]);
    const pieces = [first ?? [], second ?? []] as const;
    const hints = learnSession([messagesOf(pieces[0]), messagesOf(pieces[1])]);
    for (const side of [0, 1] as const) {
      const { from, to } = stream.directions[side];
      let index = -1;
      for (const piece of pieces[side]) {
        // What is missing has no number of its own, so that messages keep theirs.
        if (piece.what !== "missing") index += 1;
        const place = { ...this.placeOf(piece.frame), stream: stream.number, from, to, index };
        const input = inputOf(piece, place, { ...hints[side], ...this.#told });
        this.found.push({ frame: piece.frame, input });
      }
    }
  }
}

const messagesOf = (pieces: readonly Piece[]): readonly Uint8Array[] =>
  pieces.flatMap((piece) => (piece.what === "message" ? [piece.octets] : []));

function inputOf(piece: Piece, place: Place, hints: ContextHints): Input {
  switch (piece.what) {
    case "message":
    case "bad_length":
      return { place, encoding: "message", octets: piece.octets, hints };
    case "truncated":
      return { place, error: "the capture ends inside a message", ...remains(piece) };
    case "not_bgp":
      return { place, error: `${piece.octets.length} octets without a marker`, ...remains(piece) };
    case "missing":
      return { place, error: `${piece.count} octets are missing in the capture` };
  }
}

const remains = (piece: { readonly octets: Uint8Array }): { readonly hex: string } => ({
  hex: toHex(piece.octets),
});

const u16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

const BGP_PORT = 179;
/** RFC 7880: answers come from this port. */
const SBFD_PORT = 7784;
/**
 * Single hop, multihop, on members of a LAG (RFC 5881 §4, RFC 5883 §5, RFC 7130 §2.1), seamless.
 */
const BFD_PORTS: ReadonlySet<number> = new Set([3784, 4784, 6784, SBFD_PORT]);
const UDP_HEADER_OCTETS = 8;
