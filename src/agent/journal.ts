import type { LogEvent } from "../core/log.ts";
import type { Micros } from "../core/time.ts";

/** One line of the event journal: a log event with its place in the order of things. */
export interface JournalEntry extends LogEvent {
  /** Counts from 1, without gaps; resumes a stream. */
  readonly seq: number;
  /** Monotonic, for measuring between events. */
  readonly at: Micros;
  /** Wall clock, ms since 1970, for people. */
  readonly wallMs: number;
}

/**
 * What happened, in order, bounded: `causeway events`, SSE, and the drills read it. Drills measure
 * from these ids, so they are part of the public surface: `bfd.session.up|down {session, from, to,
 * diag, …}`, `bgp.peer.up|down {peer, reason, text, …}`, `circuit.up|down {circuit, reason}`,
 * `fib.circuit.left|joined {circuit, groups, tookUs}` (next-hop groups moved), `fib.synced
 * {routes, tookUs}` (the kernel acknowledged everything asked so far).
 */
export interface JournalView {
  /** Entries after `seq` that are still held, oldest first. */
  since(seq: number): readonly JournalEntry[];
  readonly lastSeq: number;
  subscribe(handler: (entry: JournalEntry) => void): { close(): void };
}
