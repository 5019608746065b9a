/**
 * BFD packets that must be discarded (rows B1 to B5 of `docs/testing.md`): how each is made of an
 * innocent one, the way it comes, and the counter it goes to.
 */
import type {
  BfdAuthConfig,
  BfdInput,
  BfdSessionConfig,
} from "../../../src/bfd/sessions/contract.ts";
import { BFD_PORT } from "../../../src/bfd/sessions/sessions.ts";

export interface BfdRow {
  readonly id: string;
  readonly row: string;
  readonly clause: string;
  readonly reason: string;
  /** Counted with the sessionless, because it names none. */
  readonly isStray?: boolean;
  /** Spoils the octets of a packet that would be welcome. */
  readonly spoil?: (octets: Uint8Array) => Uint8Array;
  readonly way?: Partial<Extract<BfdInput, { kind: "packet" }>>;
  readonly session?: Partial<BfdSessionConfig>;
  /** Whether the innocent packet is signed with the session's key. */
  readonly isUnsigned?: boolean;
}

const AUTH: BfdAuthConfig = {
  type: "keyed-sha1",
  sendKeyId: 1,
  keys: [{ id: 1, secret: new TextEncoder().encode("causeway") }],
};

/** Puts octets in place of those from `at` on. */
const put =
  (at: number, ...values: readonly number[]) =>
  (octets: Uint8Array): Uint8Array => {
    octets.set(values, at);
    return octets;
  };

/** Changes bits of one octet. */
const change =
  (at: number, bits: (octet: number) => number) =>
  (octets: Uint8Array): Uint8Array => {
    octets[at] = bits(octets[at] ?? 0);
    return octets;
  };

const STATE_BITS = 6;
const withState = (state: number) => change(1, (flags) => (flags & 0x3f) | (state << STATE_BITS));

export const BFD_ROWS: readonly BfdRow[] = [
  {
    ...{ id: "version-0", row: "B1", clause: "RFC 5880 §6.8.6", reason: "version" },
    spoil: change(0, (octet) => octet & 0x1f),
  },
  {
    ...{ id: "version-2", row: "B1", clause: "RFC 5880 §6.8.6", reason: "version" },
    spoil: change(0, (octet) => (octet & 0x1f) | 0x40),
  },
  {
    ...{ id: "payload-23", row: "B1", clause: "RFC 5880 §6.8.6", reason: "truncated" },
    spoil: (octets) => octets.subarray(0, 23),
  },
  {
    ...{ id: "payload-0", row: "B1", clause: "RFC 5880 §6.8.6", reason: "truncated" },
    spoil: () => new Uint8Array(0),
  },
  {
    ...{ id: "length-23", row: "B1", clause: "RFC 5880 §6.8.6", reason: "length" },
    spoil: put(3, 23),
  },
  {
    ...{ id: "length-25-with-a", row: "B1", clause: "RFC 5880 §6.8.6", reason: "length" },
    spoil: (octets) => {
      const longer = new Uint8Array(26);
      longer.set(octets);
      return change(1, (flags) => flags | 0x04)(put(3, 25)(longer));
    },
  },
  {
    ...{ id: "length-beyond-payload", row: "B1", clause: "RFC 5880 §6.8.6", reason: "length" },
    spoil: put(3, 25),
  },
  {
    ...{ id: "length-255", row: "B1", clause: "RFC 5880 §6.8.6", reason: "length" },
    spoil: put(3, 255),
  },
  {
    ...{ id: "detect-mult-0", row: "B2", clause: "RFC 5880 §6.8.6", reason: "detect-mult" },
    spoil: put(2, 0),
  },
  {
    ...{ id: "multipoint", row: "B2", clause: "RFC 5880 §6.8.6", reason: "multipoint" },
    spoil: change(1, (flags) => flags | 0x01),
  },
  {
    ...{ id: "my-discriminator-0", row: "B2", clause: "RFC 5880 §6.8.6" },
    reason: "my-discriminator",
    spoil: put(4, 0, 0, 0, 0),
  },
  {
    ...{ id: "your-discriminator-unknown", row: "B3", clause: "RFC 5880 §6.8.6" },
    reason: "your-discriminator",
    spoil: change(8, (octet) => octet ^ 0xff),
  },
  {
    ...{ id: "blind-init", row: "B3", clause: "RFC 5880 §6.8.6" },
    reason: "your-discriminator-zero",
    spoil: (octets) => withState(2)(put(8, 0, 0, 0, 0)(octets)),
  },
  {
    ...{ id: "blind-up", row: "B3", clause: "RFC 5880 §6.8.6" },
    reason: "your-discriminator-zero",
    spoil: (octets) => withState(3)(put(8, 0, 0, 0, 0)(octets)),
  },
  {
    ...{ id: "blind-from-a-stranger", row: "B3", clause: "RFC 5880 §6.3", reason: "no-session" },
    isStray: true,
    spoil: (octets) => withState(1)(put(8, 0, 0, 0, 0)(octets)),
    way: { remoteAddress: "192.0.2.1" },
  },
  {
    ...{ id: "signed-where-nobody-signs", row: "B4", clause: "RFC 5880 §6.8.6" },
    reason: "auth-unexpected",
    spoil: (octets) => {
      const signed = new Uint8Array(33);
      signed.set(octets);
      signed.set([1, 9, 1, 0x63, 0x61, 0x75, 0x73, 0x65, 0x77], 24);
      return change(1, (flags) => flags | 0x04)(put(3, 33)(signed));
    },
  },
  {
    ...{ id: "unsigned-where-all-sign", row: "B4", clause: "RFC 5880 §6.8.6" },
    ...{ reason: "auth-missing", session: { auth: AUTH }, isUnsigned: true },
  },
  {
    ...{ id: "digest-of-another-key", row: "B4", clause: "RFC 5880 §6.7.4", reason: "auth-digest" },
    ...{ session: { auth: AUTH }, spoil: change(40, (octet) => octet ^ 1) },
  },
  {
    ...{ id: "ttl-254", row: "B5", clause: "RFC 5881 §5", reason: "ttl", way: { ttl: 254 } },
  },
  {
    ...{ id: "ttl-1", row: "B5", clause: "RFC 5881 §5", reason: "ttl", way: { ttl: 1 } },
  },
  {
    ...{ id: "other-vlan", row: "B5", clause: "RFC 5881 §3", reason: "device" },
    way: { device: "eth0.100" },
  },
  {
    ...{ id: "no-interface", row: "B5", clause: "RFC 5881 §3", reason: "device" },
    way: { device: undefined },
  },
  {
    ...{ id: "multihop-ttl", row: "B5", clause: "RFC 5883 §6", reason: "ttl", way: { ttl: 249 } },
    session: { mode: "multihop", device: undefined, minTtl: 250 },
  },
  {
    ...{ id: "to-4784", row: "B5", clause: "RFC 5881 §4", reason: "port" },
    way: { port: BFD_PORT.multihop },
  },
  {
    ...{ id: "to-3784", row: "B5", clause: "RFC 5883 §5", reason: "port" },
    way: { port: BFD_PORT["single-hop"] },
    session: { mode: "multihop", device: undefined, minTtl: 1 },
  },
];
