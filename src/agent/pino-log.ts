import pino from "pino";
import type { Log } from "../core/log.ts";

export type LogLevelName = "debug" | "info" | "warn" | "error";

export interface DaemonLog extends Log {
  level: LogLevelName;
}

/**
 * One JSON line per event on stdout, for journald or a file: `level` as a word, `time` as RFC 3339,
 * `event` as the stable id, then the event's own fields. Written at once: what was logged before a
 * crash is there after it.
 */
export function createPinoLog(level: LogLevelName): DaemonLog {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 1, sync: true }),
  );
  return {
    get level() {
      return logger.level as LogLevelName;
    },
    set level(wanted) {
      logger.level = wanted;
    },
    write: (entry) => logger[entry.level](entry.fields, entry.event),
  };
}
