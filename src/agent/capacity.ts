/**
 * Whether what is left after the loss of one circuit carries the load (design §5.3). Known is what
 * the file says: `failover.load`, and `capacity` and `weight` of the circuits. The lint asks it of
 * the whole file before anything runs, the agent of the circuits that are up right now.
 */
export interface Line {
  readonly name: string;
  readonly capacityBps: number;
  /** Share in an ECMP group. */
  readonly weight: number;
}

export interface Loss {
  readonly lost: string;
  /** The most that the others carry together. */
  readonly leftBps: number;
}

/**
 * Every loss of one of `lines`, which stand in the order they are used. `active-standby` puts
 * everything on the next one; `ecmp` shares by weight, so the line that is full first decides.
 */
export function lossesOf(mode: "ecmp" | "active-standby", lines: readonly Line[]): Loss[] {
  return lines.map((lost) => {
    const rest = lines.filter((line) => line !== lost);
    const used = mode === "active-standby" ? rest.slice(0, 1) : rest;
    return { lost: lost.name, leftBps: carriedBps(used) };
  });
}

/** What these carry when traffic is shared by weight. */
function carriedBps(lines: readonly Line[]): number {
  const weights = lines.reduce((sum, { weight }) => sum + weight, 0);
  const full = lines.map(({ capacityBps, weight }) => (capacityBps * weights) / weight);
  return lines.length === 0 ? 0 : Math.floor(Math.min(...full));
}
