/** The drill report in types; `schema.ts` has the shape and what the fields mean. */
import type { Static, TSchema } from "@sinclair/typebox";
import type * as Schema from "./schema.ts";

type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;
type Of<T extends TSchema> = Frozen<Static<T>>;

export type DrillReport = Of<typeof Schema.DrillReportSchema>;
export type FaultReport = Of<typeof Schema.FaultSchema>;
export type LossReport = Of<typeof Schema.LossSchema>;
export type CheckReport = Of<typeof Schema.CheckSchema>;
export type TrafficReport = Of<typeof Schema.TrafficSchema>;
export type FlowReport = Of<typeof Schema.FlowSchema>;
export type PhaseLoss = Of<typeof Schema.PhaseLossSchema>;
export type TimelineEntry = Of<typeof Schema.TimelineSchema>;
export type TopologyReport = Of<typeof Schema.TopologySchema>;
export type CircuitState = Of<typeof Schema.CircuitStateSchema>;
export type PhasesReport = Of<typeof Schema.PhasesSchema>;
export type RoutesReport = Of<typeof Schema.RoutesSchema>;
export type RouteReport = Of<typeof Schema.RouteSchema>;
export type ShareReport = Of<typeof Schema.ShareSchema>;
export type SourceReport = Of<typeof Schema.SourceSchema>;
export type RecoveryReport = Of<typeof Schema.RecoverySchema>;
export type RepairReport = Of<typeof Schema.RepairSchema>;
export type LinkLoadReport = Of<typeof Schema.LinkLoadSchema>;
export type EvidenceReport = Of<typeof Schema.EvidenceSchema>;
export type AlertReport = Of<typeof Schema.AlertSchema>;
export type SafetyReport = Of<typeof Schema.SafetySchema>;
export type RoundTripsReport = Of<typeof Schema.RoundTripsSchema>;
export type HostReport = Of<typeof Schema.HostSchema>;
export type LossOverTime = Of<typeof Schema.LossOverTimeSchema>;
