import type { Micros } from "./time.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Values an event may carry; octets go in as hex, secrets never. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * One fact for operators. `event` is a stable dotted id (`bgp.peer.down`), never a sentence built
 * from values; machines emit it as an effect, the host stamps and writes it.
 */
export interface LogEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** What the host gives to code outside the machines. */
export interface Log {
  write(entry: LogEvent, at: Micros): void;
}
