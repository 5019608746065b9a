/**
 * What keeps a peer in Idle beside the idle hold: orders, of operators, of the configuration, of
 * BFD, of the prefix limit. Each is given and taken back on its own; the peer starts when none is
 * left.
 */
export class Gate {
  /** `isShutdown` of the configuration. */
  isShutdown = false;
  /** An operator's order to stop, in a sentence. */
  operator: string | undefined;
  /** Why `hold-off` is on. */
  hold: string | undefined;
  /** The prefix limit was exceeded, in a sentence. */
  limit: string | undefined;
  /** The speaker stops, or the peer is removed. */
  end: string | undefined;

  /** The order that weighs most, in one sentence; undefined where the peer may run. */
  get reason(): string | undefined {
    if (this.end !== undefined) return this.end;
    if (this.isShutdown) return "shut down in the configuration";
    if (this.operator !== undefined) return this.operator;
    if (this.hold !== undefined) return `held off: ${this.hold}`;
    return this.limit;
  }

  /** Label for the counter of refused connections. */
  get label(): string {
    if (this.end !== undefined) return "refused-stopping";
    if (this.isShutdown) return "refused-shutdown";
    if (this.operator !== undefined) return "refused-stopped";
    return this.hold !== undefined ? "refused-held-off" : "refused-prefix-limit";
  }
}
