/**
 * Behaviour that nobody documents, by name: what the cloud does where the vendor does not say.
 * Each has a default and a row in `fidelity.ts` with the grade of its evidence, so that a drill's
 * author can ask "and if it is the other way round?" by turning one knob.
 */
export interface CloudKnobs {
  /** Which of too many routes of a customer stay. */
  readonly routesKept: "first-received" | "lowest-prefix";
  /** How long the cloud's routers need to act on a route that changed, without failover group. */
  readonly routeDelayUs: number;
  /** MED of the customer: looked at between paths of one neighbouring AS, or taken off. */
  readonly customerMed: "ignored" | "compared";
  /** GRACEFUL_SHUTDOWN (RFC 8326) of the customer: makes its paths the last choice, or nothing. */
  readonly gracefulShutdown: "ignored" | "honoured";
  /** Answers in a row after which a failed health check is well again. */
  readonly healthCheckRecovery: number;
  /** What a failed health check turns: the cloud's own routes only, or those it told as well. */
  readonly healthCheckWithdraws: "cloud" | "both";
  /** Restarting speaker of the customer: VBR offers graceful restart (RFC 4724). */
  readonly gracefulRestart: "off" | "helper";
  /** How long a failover-test job is `Starting`, and `Stopping`. */
  readonly jobTransitionUs: number;
  /** What a port that was shut does when it opens again: report up after this long. */
  readonly portUpDelayUs: number;
}

export const KNOB_DEFAULTS: CloudKnobs = {
  routesKept: "first-received",
  routeDelayUs: 3_000_000,
  customerMed: "ignored",
  gracefulShutdown: "honoured",
  healthCheckRecovery: 8,
  healthCheckWithdraws: "cloud",
  gracefulRestart: "off",
  jobTransitionUs: 5_000_000,
  portUpDelayUs: 0,
};

/** Limits of an account, as the vendor's quota pages have them. */
export interface CloudQuotas {
  readonly connectionsPerAccessPoint: number;
  readonly vbrsPerConnection: number;
  readonly ecrRoutesPerVpcTable: number;
  readonly customRoutesPerVpcTable: number;
  readonly dynamicRoutesPerVpcTable: number;
  readonly vswitchesPerVpc: number;
  readonly jobResources: number;
  readonly peeringsPerVpc: number;
  readonly peeringsPerVbr: number;
  readonly peeringsPerAccount: number;
  readonly customRoutesPerVbrTable: number;
}

export const QUOTA_DEFAULTS: CloudQuotas = {
  connectionsPerAccessPoint: 2,
  vbrsPerConnection: 5,
  ecrRoutesPerVpcTable: 200,
  customRoutesPerVpcTable: 200,
  dynamicRoutesPerVpcTable: 500,
  vswitchesPerVpc: 150,
  jobResources: 16,
  peeringsPerVpc: 10,
  peeringsPerVbr: 10,
  peeringsPerAccount: 20,
  customRoutesPerVbrTable: 200,
};
