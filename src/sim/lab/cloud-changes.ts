/** What each change of the cloud's routing is as a deed, and what undoes it. */
import type { CloudConfig } from "../cloud/config/cloud-config.ts";
import { ecrAssociations } from "../cloud/config/ecr-associations.ts";
import type { CloudDeed } from "../cloud/deeds/deeds.ts";
import type { CLOUD_CHANGES } from "../drill/faults/cloud-changes.ts";
import type { FaultOf } from "../drill/faults/faults.ts";

type ChangeKind = keyof typeof CLOUD_CHANGES;
export type CloudChange = { [K in ChangeKind]: FaultOf<K> }[ChangeKind];

export function deedOf(change: CloudChange): CloudDeed {
  switch (change.do) {
    case "route-map": {
      const { transitRouter, priority, transmit, turn } = change;
      return {
        ...{ do: "route-map", transitRouter, priority },
        ...{ direction: transmit, isOn: turn === "on" },
      };
    }
    case "propagation":
    case "association": {
      const { do: what, transitRouter, attachment, turn } = change;
      return { do: what, transitRouter, attachment, isOn: turn === "on" };
    }
    case "allowed-prefixes": {
      const { association, prefixes, mode } = change;
      return { do: "allowed-prefixes", association, allowed: { prefixes, mode } };
    }
    case "ecr-route": {
      const { prefix, instance, turn } = change;
      return { do: "ecr-route", prefix, nextHop: instance, isOn: turn === "on" };
    }
    case "custom-route": {
      const { table, prefix, nextHop } = change;
      const type = nextHop === "none" ? undefined : nextHop;
      return { do: "custom-route", vpc: table, prefix, nextHop: type };
    }
    case "cdt":
      return { do: "cdt", region: change.region, isOpen: change.turn === "on" };
    case "endpoint":
      return { do: "endpoint", endpoint: change.endpoint, connection: change.connection };
  }
}

/** The same as the cloud's file has it. */
export function undone(cloud: CloudConfig, change: CloudChange): CloudDeed | undefined {
  switch (change.do) {
    case "allowed-prefixes": {
      const { association } = change;
      const known = ecrAssociations(cloud).find(({ name }) => name === association);
      return known && { do: "allowed-prefixes", association, allowed: known.allowed };
    }
    case "custom-route": {
      const { table, prefix } = change;
      const vpc = cloud.vpcs.find(({ name }) => name === table);
      const known = vpc?.routes.find((route) => route.prefix === prefix);
      return { do: "custom-route", vpc: table, prefix, nextHop: known?.type };
    }
    case "endpoint": {
      const known = cloud.endpoints.find(({ name }) => name === change.endpoint);
      return known && { do: "endpoint", endpoint: known.name, connection: known.connection };
    }
    default:
      return deedOf({ ...change, turn: "on" });
  }
}
