/**
 * One operation at a time: whoever changes a VPC's table or a VBR again while the last change is
 * being carried out is told `TaskConflict`, as the vendor's API does.
 */
import { after, type Micros } from "../../../core/time.ts";
import type { CloudDeed, DeedFault } from "../deeds/deeds.ts";

export class TaskGate {
  readonly #taskUs: number;
  readonly #busyUntil = new Map<string, Micros>();

  constructor(taskUs: number) {
    this.#taskUs = taskUs;
  }

  /** Does it where nothing is in its way; what was refused has kept nobody busy. */
  pass(deed: CloudDeed, now: Micros, perform: () => DeedFault | undefined): DeedFault | undefined {
    const key = keyOf(deed);
    if (key === undefined || this.#taskUs === 0) return perform();
    const until = this.#busyUntil.get(key);
    if (until !== undefined && until > now) {
      return { code: "TaskConflict", text: `${key} is busy with what was asked of it before` };
    }
    const fault = perform();
    if (fault === undefined) this.#busyUntil.set(key, after(now, this.#taskUs));
    return fault;
  }
}

/** What is changed by a deed of the account's, as it would come by the API. */
function keyOf(deed: CloudDeed): string | undefined {
  switch (deed.do) {
    case "custom-route":
      return deed.vpc;
    case "peering":
      return deed.peering;
    case "set-bfd":
    case "set-md5":
    case "set-route-quota":
    case "health-check":
    case "order-vbr":
      return deed.vbr;
    case "order-connection":
      // Physical connections have names of their own, which may be those of VBRs.
      return `connection ${deed.connection}`;
    default:
      return undefined;
  }
}
