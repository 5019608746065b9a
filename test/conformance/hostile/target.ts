/** A shipped `Speaker` with one hostile peer, and the rows of `fixtures/wire/hostile.jsonl`. */
import { readFileSync } from "node:fs";
import type { PeerConfig, SpeakerConfig } from "../../../src/bgp/speaker/config.ts";
import type { ConnectionId } from "../../../src/bgp/speaker/inputs.ts";
import type { SpeakerOptions } from "../../../src/bgp/speaker/speaker.ts";
import { encodeMessage } from "../../../src/bgp/wire/header.ts";
import { MessageType } from "../../../src/bgp/wire/iana.ts";
import type { Capability, Message } from "../../../src/bgp/wire/message.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { concatBytes, fromHex } from "../../../src/core/bytes.ts";
import { peerConfig } from "../../support/bgp-pair.ts";
import { IPV4, IPV6, remoteOpen } from "../../support/bgp-session.ts";
import { Solo, soloConfig } from "../../support/bgp-solo.ts";
import { octets, updateBody } from "../../support/wire-octets.ts";

export interface HostileRow {
  readonly id: string;
  /** Of the table in `docs/testing.md`. */
  readonly row: number;
  readonly clause: string;
  readonly hex: string;
  readonly as4: boolean;
  readonly session: "ebgp" | "ibgp";
  readonly extendedMessages?: boolean;
  readonly expect: {
    readonly action: string;
    readonly code?: number;
    readonly subcode?: number;
    readonly dataHex?: string;
  };
  /** What it announces, or withdraws as a malformed message; 10.20.0.0/24 where it says nothing. */
  readonly routes?: readonly string[];
}

const corpus = new URL("../../../../fixtures/wire/hostile.jsonl", import.meta.url);

export const hostileRows = (): readonly HostileRow[] =>
  readFileSync(corpus, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

export const octetsOf = (row: HostileRow): Uint8Array => fromHex(row.hex) ?? new Uint8Array(0);

/** A header nobody can read is said to an Established session, whatever type it names. */
export const isOpen = (row: HostileRow): boolean =>
  octetsOf(row)[18] === MessageType.Open && row.expect.code !== 1;

export const isNotification = (row: HostileRow): boolean =>
  octetsOf(row)[18] === MessageType.Notification && row.expect.code === undefined;

export const isUpdate = (row: HostileRow): boolean =>
  octetsOf(row)[18] === MessageType.Update && row.expect.code !== 1;

const isReset = (row: HostileRow): boolean => row.expect.action === "session_reset";

/** Whether the session is over once the row was heard. */
export const isFatal = (row: HostileRow): boolean => isReset(row) || isNotification(row);

/** It can be said again and again to one session. */
export const isOneSession = (row: HostileRow): boolean => !isFatal(row) && !isOpen(row);

/** Announced before the row is said: those the row names must go, the others must stay. */
const BEFORE = ["10.20.0.0/24", "0.0.0.0/2", "20.0.0.0/10"];
const BEFORE_IPV6 = "2001:db8::/32";
/** Announced by the UPDATE that follows in the same segment. */
export const BEHIND = "10.99.0.0/24";

export const namedBy = (row: HostileRow): readonly string[] => row.routes ?? ["10.20.0.0/24"];

/** A valid UPDATE of the row's peer. `nlri` in hex. */
export function validUpdate(row: HostileRow, nlri = "180a6300"): Uint8Array {
  const attributes = `40010100 ${pathOf(row)} 4003040a000002`;
  return encodeMessage(MessageType.Update, updateBody({ attributes, nlri }));
}

/** The OPENs of the corpus that are accepted name no 4-octet AS number. */
const hasAs4 = (row: HostileRow): boolean => row.as4 && !isOpen(row);

function pathOf(row: HostileRow): string {
  if (row.session === "ibgp") return "400200";
  return hasAs4(row) ? "4002060201 0000b030" : "4002040201b030";
}

/** One speaker, and the peer whose rows are said to it, at the state they are meant for. */
export class Target {
  readonly solo: Solo;
  readonly row: HostileRow;
  connection: ConnectionId;

  constructor(row: HostileRow, options: TargetOptions = {}) {
    this.row = row;
    const remoteAs = row.session === "ibgp" ? 65_001 : 45_104;
    const { capabilities } = peerConfig();
    const extendedMessage = row.extendedMessages === true;
    const peer: Partial<PeerConfig> = {
      ...{ remoteAs, families: [IPV4, IPV6], capabilities: { ...capabilities, extendedMessage } },
      ...options.peer,
    };
    this.solo = new Solo(soloConfig(peer, options.speaker), options.speakerOptions);
    this.connection = this.solo.accept();
    if (isOpen(row)) return;
    this.greet();
    const isBefore = row.expect.action === "treat_as_withdraw" || isFatal(row);
    if (isBefore) this.say(validUpdate(row, "180a1400 0200 0a1400"), this.#ipv6());
    this.solo.settle();
    this.solo.take();
  }

  get state(): string {
    return this.solo.peer().state;
  }

  /** OPEN and KEEPALIVE: Established. */
  greet(): void {
    this.solo.say(this.connection, this.open(), encodeMessage(MessageType.Keepalive, octets("")));
    this.solo.settle();
  }

  open(): Uint8Array {
    const { session, extendedMessages } = this.row;
    const localAs = session === "ibgp" ? 65_001 : 45_104;
    const open = remoteOpen({ localAs, families: [IPV4, IPV6] });
    const capabilities: Capability[] = [
      ...open.capabilities.filter(
        ({ kind }) =>
          (hasAs4(this.row) || kind !== "four-octet-as") &&
          (extendedMessages === true || kind !== "extended-message"),
      ),
      { kind: "multiprotocol", family: IPV6 },
    ];
    return encodeOpen({ ...open, capabilities });
  }

  say(...messages: readonly Uint8Array[]): void {
    this.solo.say(this.connection, ...messages);
  }

  heard(): Message[] {
    return this.solo.heard(this.connection);
  }

  has(prefix: string): boolean {
    return this.solo.speaker.view.rib.explain(prefix) !== undefined;
  }

  /** What the peer may say behind the row, so that a valid UPDATE of it counts. */
  behind(): Uint8Array {
    const update = validUpdate(this.row);
    return isOpen(this.row)
      ? concatBytes([encodeMessage(MessageType.Keepalive, octets("")), update])
      : update;
  }

  /** Of the routes announced beforehand, those that are left. */
  leftBefore(): string[] {
    return [...BEFORE, BEFORE_IPV6].filter((prefix) => this.has(prefix));
  }

  #ipv6(): Uint8Array {
    const nextHop = "10 20010db8000000000000000000000002";
    const reach = `800e1a 000201 ${nextHop} 00 2020010db8`;
    const attributes = `${reach} 40010100 ${pathOf(this.row)}`;
    return encodeMessage(MessageType.Update, updateBody({ attributes }));
  }
}

export const ALL_BEFORE: readonly string[] = [...BEFORE, BEFORE_IPV6];

export interface TargetOptions {
  readonly peer?: Partial<PeerConfig>;
  readonly speaker?: Partial<SpeakerConfig>;
  readonly speakerOptions?: Partial<SpeakerOptions>;
}
