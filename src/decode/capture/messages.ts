import { HEADER_OCTETS } from "../../bgp/wire/header.ts";
import { concatBytes } from "../../core/bytes.ts";
import type { CapturedFrame } from "./pcap.ts";
import type { StreamPart } from "./tcp.ts";

/** What one direction of a BGP connection holds, in its order. */
export type Piece =
  | { readonly what: "message"; readonly octets: Uint8Array; readonly frame: CapturedFrame }
  /** A marker with a length below a header's: the message ends where the next marker begins. */
  | { readonly what: "bad_length"; readonly octets: Uint8Array; readonly frame: CapturedFrame }
  | { readonly what: "truncated"; readonly octets: Uint8Array; readonly frame: CapturedFrame }
  | { readonly what: "not_bgp"; readonly octets: Uint8Array; readonly frame: CapturedFrame }
  | { readonly what: "missing"; readonly count: number; readonly frame: CapturedFrame };

/**
 * Cuts a direction into messages. Unlike a router, which gives up, it looks for the next marker
 * where the framing is lost, and across octets the capture does not have.
 */
export function* piecesOf(parts: readonly StreamPart[]): Generator<Piece> {
  let run: (StreamPart & { octets: Uint8Array })[] = [];
  for (const part of parts) {
    if ("octets" in part) {
      run.push(part);
      continue;
    }
    yield* piecesOfRun(run);
    run = [];
    yield { what: "missing", count: part.missingOctets, frame: part.frame };
  }
  yield* piecesOfRun(run);
}

interface RunPart {
  readonly octets: Uint8Array;
  readonly frame: CapturedFrame;
}

function* piecesOfRun(run: readonly RunPart[]): Generator<Piece> {
  const octets = concatBytes(run.map((part) => part.octets));
  const frameOf = frameFinder(run);
  for (let at = 0; at < octets.length; ) {
    const { what, end } = pieceAt(octets, at);
    yield { what, octets: octets.subarray(at, end), frame: frameOf(end) };
    at = end;
  }
}

function pieceAt(
  octets: Uint8Array,
  at: number,
): { readonly what: "message" | "bad_length" | "truncated" | "not_bgp"; readonly end: number } {
  const left = octets.length - at;
  const markerOctets = markerRun(octets, at);
  if (markerOctets < MARKER_OCTETS) {
    const isCut = markerOctets === left;
    return { what: isCut ? "truncated" : "not_bgp", end: nextMarker(octets, at + 1) };
  }
  if (left < HEADER_OCTETS) return { what: "truncated", end: octets.length };
  const length = ((octets[at + 16] ?? 0) << 8) | (octets[at + 17] ?? 0);
  if (length < HEADER_OCTETS) return { what: "bad_length", end: nextMarker(octets, at + 16) };
  return length > left
    ? { what: "truncated", end: octets.length }
    : { what: "message", end: at + length };
}

/** How many octets of a marker there are at `at`. */
function markerRun(octets: Uint8Array, at: number): number {
  let count = 0;
  while (count < MARKER_OCTETS && octets[at + count] === 0xff) count += 1;
  return count;
}

function nextMarker(octets: Uint8Array, from: number): number {
  let ones = 0;
  for (let at = from; at < octets.length; at += 1) {
    ones = octets[at] === 0xff ? ones + 1 : 0;
    if (ones === MARKER_OCTETS) return at + 1 - MARKER_OCTETS;
  }
  return octets.length;
}

/** The frame that brought the last octet before `end`; asked with ever greater ends. */
function frameFinder(run: readonly RunPart[]): (end: number) => CapturedFrame {
  let index = 0;
  let covered = run[0]?.octets.length ?? 0;
  return (end) => {
    while (covered < end && index + 1 < run.length) {
      index += 1;
      covered += run[index]?.octets.length ?? 0;
    }
    return (run[index] as RunPart).frame;
  };
}

const MARKER_OCTETS = 16;
