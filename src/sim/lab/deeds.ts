/** What a lab does for each fault it can do; the table of faults says what there is. */
import type { FaultKind, FaultOf, LabFault } from "../drill/faults/faults.ts";

export type Deeds = {
  readonly [K in FaultKind]?: (fault: FaultOf<K>) => void;
};

/** Does it, or answers false where the lab has no deed for it. */
export function perform(deeds: Deeds, fault: LabFault): boolean {
  const deed = deeds[fault.do] as ((fault: LabFault) => void) | undefined;
  deed?.(fault);
  return deed !== undefined;
}
