/**
 * What can be done to a running cloud, by a drill, a person or (later) the vendor's API, as plain
 * data; what the cloud needs of the lab around it to do that; what it says happened. A deed that is
 * refused answers with the vendor's error code where there is one.
 */
import type { Micros } from "../../core/time.ts";
import type { BfdTimers, BusinessStatus } from "./cloud-config.ts";

export type CloudDeed =
  // Lines and ports
  /** The customer's light went out or came back; the port reports it after `downDelay`. */
  | { readonly do: "light"; readonly connection: string; readonly isOn: boolean }
  /** The cloud shuts or opens its own port: both ends lose carrier, without any delay. */
  | { readonly do: "port"; readonly connection: string; readonly isOpen: boolean }
  | { readonly do: "business"; readonly connection: string; readonly status: BusinessStatus }
  /** Every port on one access device, or of a whole access point or region, at once. */
  | { readonly do: "device"; readonly device: string; readonly isUp: boolean }
  | { readonly do: "access-point"; readonly accessPoint: string; readonly isUp: boolean }
  | { readonly do: "region"; readonly region: string; readonly isUp: boolean }
  // Sessions
  | { readonly do: "reset-session"; readonly vbr: string }
  | { readonly do: "disable-session"; readonly vbr: string; readonly isDisabled: boolean }
  | { readonly do: "set-bfd"; readonly vbr: string; readonly bfd: BfdTimers | undefined }
  | { readonly do: "set-md5"; readonly vbr: string; readonly key: string | undefined }
  | { readonly do: "set-route-quota"; readonly vbr: string; readonly routes: number }
  | { readonly do: "health-check"; readonly vbr: string; readonly isOn: boolean }
  // Routes
  | { readonly do: "announce"; readonly prefix: string }
  | { readonly do: "withdraw"; readonly prefix: string }
  | {
      readonly do: "custom-route";
      readonly vpc: string;
      readonly prefix: string;
      /** Undefined removes it. */
      readonly nextHop: "instance" | "blackhole" | "hub" | undefined;
    }
  /** One route map of a transit router in force or out of it. */
  | {
      readonly do: "route-map";
      readonly transitRouter: string;
      readonly direction: "in" | "out";
      readonly priority: number;
      readonly isOn: boolean;
    }
  // Failover-test jobs
  | { readonly do: "create-job"; readonly job: JobOrder }
  | { readonly do: "start-job"; readonly job: string }
  | { readonly do: "stop-job"; readonly job: string }
  | { readonly do: "delete-job"; readonly job: string };

export interface JobOrder {
  readonly name: string;
  readonly region: string;
  /** Physical connections. */
  readonly resources: readonly string[];
  readonly durationUs: number;
  /** `StartNow`; else it waits in Init. */
  readonly isStartedNow: boolean;
}

/** Why a deed was not done. `code` is the vendor's, or `Causeway.…` where it has none. */
export interface DeedFault {
  readonly code: string;
  readonly text: string;
}

/** How the two ends of a circuit see it, from the cloud's ports; the lab's own cuts are on top. */
export interface LineState {
  /** Packets pass, both ways. */
  readonly isOpen: boolean;
  readonly customerHasCarrier: boolean;
  readonly cloudHasCarrier: boolean;
}

/**
 * What a lab lends the cloud beyond sockets: its wires and an ICMP echo. A lab that has none leaves
 * it out, and a deed or a health check that needs it is refused by name.
 */
export interface CloudField {
  setLine(circuit: string, state: LineState): void;
  /** `true` where an answer came in time. */
  ping(
    node: string,
    probe: { readonly source: string; readonly destination: string; readonly timeoutUs: number },
    done: (isAnswered: boolean) => void,
  ): void;
  /** An address of the node from now on, or no longer. */
  setAddress(node: string, address: string, isOwn: boolean): void;
  /** A route of the administrator's: by a next hop, to nowhere, or (undefined) gone. */
  setStatic(
    node: string,
    prefix: string,
    to: { readonly gateway: string; readonly device: string } | "blackhole" | undefined,
  ): void;
}

/** As CloudMonitor tells it; names marked in `fidelity.ts` where the vendor's are not known. */
export interface CloudEvent {
  readonly at: Micros;
  readonly level: "CRITICAL" | "WARN" | "INFO";
  /** `BGPPeerStatus:Down`, `BgpPeerReceiveRoutes:Exceed` … */
  readonly name: string;
  readonly resource: string;
  readonly region: string;
  readonly text: string;
}
