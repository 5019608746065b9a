/**
 * Route policies of the Express Connect Router: rules in their order, on routes from an instance
 * (`in`) or to one (`out`). The first that matches decides.
 */
import type { TermSource } from "../../../bgp/policy/source.ts";
import type { PlainMatch, RouteMapSet } from "../config/tr-config.ts";
import { mapTerms, plainMatch } from "./route-maps.ts";

export interface EcrRouteMap {
  readonly priority: number;
  readonly direction: "in" | "out";
  readonly isPermit: boolean;
  /** VBRs, VPCs and transit routers on the ECR; undefined: all of them. */
  readonly instances: readonly string[] | undefined;
  readonly match: PlainMatch;
  readonly set: RouteMapSet;
}

export const ecrMaps = (
  maps: readonly EcrRouteMap[],
  instance: string,
  direction: EcrRouteMap["direction"],
): TermSource[] =>
  maps
    .filter((map) => map.direction === direction && map.instances?.includes(instance) !== false)
    .flatMap((map) => mapTerms({ ...map, nextPriority: undefined }, plainMatch(map.match)));
