import type { LinkState, Links, VlanOptions } from "../contract.ts";
import { LINK_DUMPS, LinkTable, stateOf } from "./link-table.ts";
import { NetlinkEvents, NetlinkSocket } from "./netlink.ts";
import { MessageWriter } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { RtnlGroup } from "./rtnetlink.ts";
import { ensureVlan } from "./vlan.ts";

/**
 * Interfaces from rtnetlink: read once, then kept by the kernel's own announcements. A question
 * first reads what was announced since, so its answer is what holds at that moment; watchers are
 * called from the loop. Nothing is opened before the first question.
 */
export class LinuxLinks implements Links {
  readonly #netns: Netns;
  readonly #table = new LinkTable();
  readonly #watchers = new Set<(device: string, state: LinkState | undefined) => void>();
  /** What watchers know of each device, as comparable text. */
  readonly #told = new Map<string, string>();
  #socket: NetlinkSocket | undefined;
  #events: NetlinkEvents | undefined;
  #pendingNews: NodeJS.Immediate | undefined;

  constructor(netns: Netns) {
    this.#netns = netns;
  }

  state(device: string): LinkState | undefined {
    this.#refresh();
    const link = this.#table.named(device);
    return link && stateOf(link);
  }

  all(): readonly LinkState[] {
    this.#refresh();
    return Array.from(this.#table.all(), stateOf);
  }

  watch(changed: (device: string, state: LinkState | undefined) => void): { close(): void } {
    this.#refresh();
    const watcher = (device: string, state: LinkState | undefined) => changed(device, state);
    this.#watchers.add(watcher);
    return { close: () => this.#watchers.delete(watcher) };
  }

  ensureVlan(options: VlanOptions): LinkState {
    const socket = this.#refresh();
    // The kernel announces IPv6 addresses only a moment after it has them; here they must be known.
    const refresh = () => {
      this.#read();
      this.#tellSoon();
    };
    return stateOf(
      ensureVlan(options, { socket, table: this.#table, netns: this.#netns, refresh }),
    );
  }

  close(): void {
    clearImmediate(this.#pendingNews);
    this.#watchers.clear();
    this.#events?.close();
    this.#socket?.close();
    this.#events = undefined;
    this.#socket = undefined;
  }

  #refresh(): NetlinkSocket {
    if (this.#socket === undefined) return this.#start();
    this.#events?.drain();
    this.#tellSoon();
    return this.#socket;
  }

  #start(): NetlinkSocket {
    const socket = new NetlinkSocket(this.#netns);
    this.#socket = socket;
    const groups = [RtnlGroup.LINK, RtnlGroup.IPV4_IFADDR, RtnlGroup.IPV6_IFADDR];
    this.#events = new NetlinkEvents(this.#netns, groups, {
      visit: (message) => this.#table.apply(message),
      lost: () => this.#read(),
      drained: () => this.#tell(),
    });
    this.#read();
    for (const device of this.#table.takeChanged()) this.#told.set(device, this.#textOf(device));
    return socket;
  }

  #read(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#table.clear();
    for (const { type, bodyOctets, family } of LINK_DUMPS) {
      const body = new Uint8Array(bodyOctets);
      body[0] = family;
      // A torn dump does no harm: the change that tore it is announced as well.
      socket.dump(
        () => new MessageWriter(64).begin(type, 0, socket.nextSeq()).octets(body).end(),
        (message) => this.#table.apply(message),
        () => undefined,
      );
    }
  }

  #tellSoon(): void {
    if (!this.#table.hasChanged) return;
    this.#pendingNews ??= setImmediate(() => this.#tell());
  }

  #tell(): void {
    clearImmediate(this.#pendingNews);
    this.#pendingNews = undefined;
    for (const device of this.#table.takeChanged()) {
      const text = this.#textOf(device);
      if (text === (this.#told.get(device) ?? GONE)) continue;
      if (text === GONE) this.#told.delete(device);
      else this.#told.set(device, text);
      const link = this.#table.named(device);
      const state = link && stateOf(link);
      for (const watcher of this.#watchers) watcher(device, state);
    }
  }

  #textOf(device: string): string {
    const link = this.#table.named(device);
    return link === undefined ? GONE : JSON.stringify(stateOf(link));
  }
}

const GONE = "";
