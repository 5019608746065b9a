/**
 * What outlives a run of the agent of its circuits' failures: who is held or drained until a person
 * says otherwise, and how often each failed, by the wall clock. A crash is no person: without the
 * note a circuit that was held for flapping would be back in use with the next start.
 */
export interface FailbackNote {
  readonly version: 1;
  readonly sessions: readonly SessionNote[];
}

export interface SessionNote {
  readonly session: string;
  readonly isHeld: boolean;
  readonly isDrained: boolean;
  /** Why it was lost last. */
  readonly failure: string | undefined;
  readonly failedAtMs: readonly number[];
}

/** Where notes are kept from one run to the next. */
export interface FailbackNotes {
  /** Undefined where there is none of ours. */
  read(): FailbackNote | undefined;
  /** A sentence where it could not be kept. */
  write(note: FailbackNote): string | undefined;
}

/** Undefined for whatever is no note of ours. */
export function parseFailbackNote(value: unknown): FailbackNote | undefined {
  const { version, sessions } = (value ?? {}) as Partial<FailbackNote>;
  const isOurs = version === 1 && Array.isArray(sessions) && sessions.every(isSession);
  return isOurs ? { version, sessions } : undefined;
}

function isSession(value: unknown): value is SessionNote {
  if (typeof value !== "object" || value === null) return false;
  const { session, isHeld, isDrained, failure, failedAtMs } = value as Partial<SessionNote>;
  return (
    typeof session === "string" &&
    typeof isHeld === "boolean" &&
    typeof isDrained === "boolean" &&
    (failure === undefined || typeof failure === "string") &&
    Array.isArray(failedAtMs) &&
    failedAtMs.every((at) => typeof at === "number")
  );
}
