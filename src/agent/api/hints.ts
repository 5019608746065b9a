import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { NeighborConfig } from "../config/edge-config.ts";

/**
 * What this host knows about a session that finds no peer, to be said after the reason. TCP itself
 * is silent about both: a segment with a wrong signature is dropped like one that was lost, and an
 * address that is nowhere looks like a missing route.
 */
export function hintFor(reason: string, neighbor: NeighborConfig): string {
  const { localAddress, md5Key } = neighbor;
  if (UNREACHABLE.test(reason)) {
    if (localAddress === undefined || isOurs(localAddress)) return "";
    return `: our address ${localAddress} is on no interface that is up`;
  }
  if (!SILENCE.test(reason)) return "";
  const { unsigned, wrong, unexpected } = drops();
  if (md5Key !== undefined) {
    const dropped = unsigned + wrong;
    const counted =
      dropped > 0 ? `, the kernel dropped ${dropped} segments for their signature` : "";
    return `: no answer${counted}; compare the TCP MD5 key with the peer's`;
  }
  if (unexpected === 0) return "";
  return `: no answer, and ${unexpected} signed segments were dropped; the peer may want a key`;
}

const UNREACHABLE = /failed: unreachable$/;
const SILENCE = /^connecting to |^waiting for .* to connect$| timed out$/;

const isOurs = (address: string): boolean =>
  Object.values(networkInterfaces()).some((found) => found?.some((one) => one.address === address));

/** Segments the kernel of this namespace dropped for TCP MD5 (RFC 2385), since we are here. */
export interface Md5Drops {
  readonly unsigned: number;
  readonly wrong: number;
  readonly unexpected: number;
}

/** `/proc/net/netstat`: a line of names, then a line of numbers. */
export function parseMd5Drops(text: string): Md5Drops {
  const [names = [], numbers = []] = text
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  const of = (name: string): number => Number(numbers[names.indexOf(name)] ?? 0);
  const [unsigned, wrong] = [of("TCPMD5NotFound"), of("TCPMD5Failure")];
  return { unsigned, wrong, unexpected: of("TCPMD5Unexpected") };
}

function read(): Md5Drops {
  try {
    return parseMd5Drops(readFileSync("/proc/net/netstat", "latin1"));
  } catch {
    // Not shown to us: then there is nothing to say.
    return { unsigned: 0, wrong: 0, unexpected: 0 };
  }
}

const before = read();

function drops(): Md5Drops {
  const now = read();
  return {
    unsigned: now.unsigned - before.unsigned,
    wrong: now.wrong - before.wrong,
    unexpected: now.unexpected - before.unexpected,
  };
}
