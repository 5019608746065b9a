import type { BfdStateChange } from "../bfd/sessions/contract.ts";
import type { Alarm, Clock, Routes } from "../platform/contract.ts";
import type { ExitGroup, ExitTable, PathExit } from "./bfd/exits.ts";
import type { Events } from "./event-journal.ts";

export interface PathExitsParts {
  readonly routes: Routes;
  readonly clock: Clock;
  readonly events: Events;
  groups(): readonly ExitGroup[];
  protect(table: ExitTable): void;
}

/**
 * Keeps the BFD thread able to move a failed path's groups by itself: it is told which there are
 * and what may stand in them, once for all that changed in a turn (ADR 0010). Where groups are not
 * a kernel's, or the kernel has none, nobody is told and the agent moves them as ever.
 */
export class PathExits {
  readonly #parts: PathExitsParts;
  readonly #bell: Alarm;

  constructor(parts: PathExitsParts) {
    this.#parts = parts;
    this.#bell = parts.clock.createAlarm(() => this.#tell());
  }

  changed(): void {
    if (this.#parts.routes.site !== undefined) this.#bell.set(this.#parts.clock.now());
  }

  report({ session: peer, at: detectedAtUs }: BfdStateChange, exit: PathExit): void {
    const { at, groups, failures } = exit;
    const fields = { peer, groups, failures, tookUs: at - detectedAtUs, detectedAtUs };
    this.#parts.events.emit(failures > 0 ? "warn" : "info", "fib.path.exited", fields);
  }

  stop(): void {
    this.#bell.set(undefined);
  }

  #tell(): void {
    const { site } = this.#parts.routes;
    if (site !== undefined) this.#parts.protect({ site, groups: this.#parts.groups() });
  }
}
