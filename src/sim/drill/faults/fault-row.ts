/** A row of the table of faults: what it acts on, its parameters, its words in a report. */
import type { Parameter } from "../file/parameters.ts";

type Parameters = Readonly<Record<string, Parameter<unknown>>>;
export type ValuesOf<P extends Parameters> = {
  readonly [Name in keyof P]: P[Name] extends Parameter<infer Value> ? Value : never;
};

export type Target = "circuit" | "edge" | "cloud";

export interface FaultRow<T extends Target, P extends Parameters> {
  /** `circuit`: the step names one, or `all`. */
  readonly target: T;
  readonly kind: "fault" | "repair";
  readonly with: P;
  /** Where it changes which of the traffic's prefixes are announced. */
  readonly change?: "withdraw" | "announce";
  /** It is done to the whole port of the circuit, with all others on it. */
  readonly isOfPort?: true;
  text(values: ValuesOf<P> & (T extends "circuit" ? OfCircuit : unknown)): string;
  /** What the values lack together, in words. */
  check?(values: ValuesOf<P>): string | undefined;
}

export interface OfCircuit {
  readonly circuit: string;
}

export const row = <T extends Target, P extends Parameters>(spec: FaultRow<T, P>): FaultRow<T, P> =>
  spec;
