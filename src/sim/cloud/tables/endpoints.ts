/**
 * PrivateLink endpoints: an address in a vSwitch for every zone, behind which a service answers
 * while the endpoint is connected to it. To a private line each is a host of the VPC.
 */

import type { CloudConfig } from "../config/cloud-config.ts";
import type { CloudState } from "../deeds/state.ts";
import { nodeOfAddress } from "./return-path.ts";
import type { StaticTables } from "./static-tables.ts";

/** `ConnectionStatus`; nothing answers in any but `Connected`. */
export type EndpointConnection =
  | "Pending"
  | "Connecting"
  | "Connected"
  | "Disconnecting"
  | "Disconnected"
  | "ServiceDeleted";

export interface EndpointConfig {
  readonly name: string;
  readonly vpc: string;
  /** `ServiceName`; for people. */
  readonly service: string | undefined;
  readonly zones: readonly EndpointZone[];
  readonly connection: EndpointConnection;
}

export interface EndpointZone {
  readonly zone: string;
  readonly address: string;
}

export interface EndpointState {
  connection: EndpointConnection;
  readonly zonesDown: Set<string>;
}

/** Makes the addresses of an endpoint answer, or not, as its state is now. */
export function applyEndpoint(
  config: CloudConfig,
  state: CloudState,
  tables: StaticTables,
  { name, zones }: EndpointConfig,
): void {
  const { connection, zonesDown } = state.endpoint(name);
  for (const { zone, address } of zones) {
    const node = nodeOfAddress(config, address);
    const isAnswering = connection === "Connected" && !zonesDown.has(zone);
    tables.set(node, `${address}/32`, isAnswering ? undefined : "blackhole");
  }
}
