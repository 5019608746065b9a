import { RtTable } from "./rtnetlink.ts";

/**
 * Kernel next-hop objects are numbered for the whole namespace. Ours keep to a range of their own,
 * one for each routing table, and a number says what it is: the group of that id, or a hop whose
 * number follows from gateway and interface, so that threads and later runs of the program arrive
 * at the same one without asking each other.
 *
 * Groups mean something else in every run, and the routes of the run before still point at its
 * own: each run numbers them in an epoch nobody uses, so that adopted routes keep their hops.
 */
export class KernelIds {
  readonly #groups: number;
  readonly #hops: number;
  readonly #offset: number;

  constructor(table: number, epoch = 0) {
    this.#offset = epoch * EPOCH_RANGE;
    const octet = table === RtTable.MAIN ? MAIN_OCTET : OTHERS_OCTET + (table % OTHERS_COUNT);
    this.#groups = octet * 2 ** 24 + GROUPS_AT;
    this.#hops = octet * 2 ** 24 + HOPS_AT;
  }

  /** The kernel's number of a group; undefined where the id is beyond the range. */
  ofGroup(id: number): number | undefined {
    return id > 0 && id < EPOCH_RANGE ? this.#groups + this.#offset + id : undefined;
  }

  /** The group a kernel number stands for, undefined where it is none of this run's. */
  groupOf(kernelId: number): number | undefined {
    const id = kernelId - this.#groups - this.#offset;
    return id > 0 && id < EPOCH_RANGE ? id : undefined;
  }

  /** The epoch of a group of this table, of whatever run; undefined where it is no such group. */
  epochOf(kernelId: number): number | undefined {
    const id = kernelId - this.#groups;
    return id > 0 && id < RANGE ? Math.floor(id / EPOCH_RANGE) : undefined;
  }

  /** Where to put a hop; `attempt` counts the numbers found taken by other hops. */
  ofHop(gateway: string, interfaceIndex: number, attempt: number): number {
    let hash = Math.imul(interfaceIndex + 1, 0x9e37_79b1);
    for (let at = 0; at < gateway.length; at += 1) {
      hash = Math.imul(hash ^ gateway.charCodeAt(at), 0x0100_0193);
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b) >>> 12;
    return this.#hops + ((hash + attempt) % RANGE);
  }

  isHop(kernelId: number): boolean {
    return kernelId >= this.#hops && kernelId < this.#hops + RANGE;
  }
}

/** Runs that may have left groups behind; the next one finds a free epoch among so many. */
export const EPOCHS = 8;
const RANGE = 2 ** 20;
const EPOCH_RANGE = RANGE / EPOCHS;
const GROUPS_AT = 0xa0_0000;
const HOPS_AT = 0xb0_0000;
const MAIN_OCTET = 0x0c;
const OTHERS_OCTET = 0x10;
const OTHERS_COUNT = 0x60;
