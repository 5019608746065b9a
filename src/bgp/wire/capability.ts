import { ByteReader, type ByteWriter } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type WireFault, wireFault } from "./fault.ts";
import { CapabilityCode, ErrorCode, OpenSubcode } from "./iana.ts";
import type { Capability, IgnoredCapability } from "./message.ts";
import { encodeText, plainText } from "./text.ts";

/** What one Capabilities parameter held, in its order (RFC 5492 §4). */
export interface Capabilities {
  readonly capabilities: Capability[];
  readonly ignored: IgnoredCapability[];
}

/**
 * Reads (code, length, value) triples into `into`. A triple that leaves its parameter is a
 * malformed OPEN; so is a 4-octet AS capability of another length, for without it the peer's AS is
 * unknown. Any other capability that contradicts its RFC is set aside, as one nobody here knows
 * would be.
 */
export function decodeCapabilities(
  octets: Uint8Array,
  into: Capabilities,
): Result<undefined, WireFault> {
  const reader = new ByteReader(octets);
  while (reader.remaining > 0) {
    const code = reader.u8();
    const value = reader.take(reader.u8());
    if (reader.overrun) {
      return err(malformedOpen("capability-overrun", `capability ${code} leaves its parameter`));
    }
    const row = ROWS[code];
    const capability = row === undefined ? unknown(code, value) : row.decode(value);
    if (capability !== undefined) {
      into.capabilities.push(capability);
    } else if (code === CapabilityCode.FourOctetAs) {
      return err(
        malformedOpen("capability-four-octet-as-length", `${value.length} octets of AS number`),
      );
    } else {
      into.ignored.push({ code, value, reason: `capability-${row?.name ?? "unknown"}-malformed` });
    }
  }
  return ok(undefined);
}

/** One (code, length, value) triple; values beyond 255 octets are cut. */
export function encodeCapability(capability: Capability, into: ByteWriter): void {
  const lengthAt = into.length + 1;
  into.u8(codeOf(capability)).u8(0);
  encodeValue(capability, into);
  into.patchU8(lengthAt, into.length - lengthAt - 1);
}

export const malformedOpen = (reason: string, because: string): WireFault =>
  wireFault({ code: ErrorCode.OpenMessageError, subcode: UNSPECIFIC, reason, because });

export const badPeerAs = (because: string): WireFault =>
  wireFault({
    code: ErrorCode.OpenMessageError,
    subcode: OpenSubcode.BadPeerAs,
    reason: "open-as-0",
    because,
  });

interface CapabilityRow {
  readonly name: string;
  /** Undefined where the octets contradict the capability's RFC. */
  readonly decode: (value: Uint8Array) => Capability | undefined;
}

const unknown = (code: number, value: Uint8Array): Capability => ({ kind: "unknown", code, value });

/** A capability without a value; one with a value is not the one its RFC defines. */
const flagOnly =
  (kind: "route-refresh" | "enhanced-route-refresh" | "extended-message") =>
  (value: Uint8Array): Capability | undefined =>
    value.length === 0 ? { kind } : undefined;

/** Carried as octets, once its length is one the RFC allows. */
const octetsOf =
  (code: number, unitOctets: number) =>
  (value: Uint8Array): Capability | undefined =>
    value.length % unitOctets === 0 ? unknown(code, value) : undefined;

function decodeMultiprotocol(value: Uint8Array): Capability | undefined {
  if (value.length !== 4) return undefined;
  const reader = new ByteReader(value);
  const afi = reader.u16();
  reader.u8(); // reserved (RFC 4760 §8)
  return { kind: "multiprotocol", family: { afi, safi: reader.u8() } };
}

function decodeFourOctetAs(value: Uint8Array): Capability | undefined {
  return value.length === 4
    ? { kind: "four-octet-as", as: new ByteReader(value).u32() }
    : undefined;
}

function decodeGracefulRestart(value: Uint8Array): Capability | undefined {
  if (value.length % 4 !== 2) return undefined;
  const reader = new ByteReader(value);
  const head = reader.u16();
  const families = [];
  while (reader.remaining > 0) {
    const afi = reader.u16();
    const safi = reader.u8();
    families.push({ afi, safi, forwardingPreserved: (reader.u8() & 0x80) !== 0 });
  }
  return {
    kind: "graceful-restart",
    restarted: (head & 0x8000) !== 0,
    notification: (head & 0x4000) !== 0,
    restartTimeSec: head & 0x0fff,
    families,
  };
}

/** Entries with a mode nobody defined are ignored one by one (RFC 7911 §4). */
function decodeAddPath(value: Uint8Array): Capability | undefined {
  if (value.length % 4 !== 0 || value.length === 0) return undefined;
  const reader = new ByteReader(value);
  const families = [];
  while (reader.remaining > 0) {
    const afi = reader.u16();
    const safi = reader.u8();
    const mode = reader.u8();
    if (mode >= 1 && mode <= 3) families.push({ afi, safi, mode });
  }
  return { kind: "add-path", families };
}

function decodeFqdn(value: Uint8Array): Capability | undefined {
  const reader = new ByteReader(value);
  const host = plainText(reader.take(reader.u8()));
  const domain = plainText(reader.take(reader.u8()));
  if (reader.overrun || reader.remaining > 0 || host === undefined || domain === undefined) {
    return undefined;
  }
  return { kind: "fqdn", host, domain };
}

/** A length octet of its own, then the text; at least one and at most 64 octets of it. */
function decodeSoftwareVersion(value: Uint8Array): Capability | undefined {
  const reader = new ByteReader(value);
  const length = reader.u8();
  const version = plainText(reader.take(length));
  const fits = length > 0 && length <= 64 && !reader.overrun && reader.remaining === 0;
  return fits && version !== undefined ? { kind: "software-version", version } : undefined;
}

function codeOf(capability: Capability): number {
  switch (capability.kind) {
    case "multiprotocol":
      return CapabilityCode.MultiprotocolExtensions;
    case "route-refresh":
      return CapabilityCode.RouteRefresh;
    case "enhanced-route-refresh":
      return CapabilityCode.EnhancedRouteRefresh;
    case "extended-message":
      return CapabilityCode.ExtendedMessage;
    case "four-octet-as":
      return CapabilityCode.FourOctetAs;
    case "role":
      return CapabilityCode.BgpRole;
    case "graceful-restart":
      return CapabilityCode.GracefulRestart;
    case "add-path":
      return CapabilityCode.AddPath;
    case "fqdn":
      return CapabilityCode.Fqdn;
    case "software-version":
      return CapabilityCode.SoftwareVersion;
    case "unknown":
      return capability.code;
  }
}

function encodeValue(capability: Capability, into: ByteWriter): void {
  switch (capability.kind) {
    case "route-refresh":
    case "enhanced-route-refresh":
    case "extended-message":
      return;
    case "multiprotocol":
      into.u16(capability.family.afi).u8(0).u8(capability.family.safi);
      return;
    case "four-octet-as":
      into.u32(capability.as);
      return;
    case "role":
      into.u8(capability.role);
      return;
    case "graceful-restart": {
      const flags = (capability.restarted ? 0x8000 : 0) | (capability.notification ? 0x4000 : 0);
      into.u16(flags | (capability.restartTimeSec & 0x0fff));
      for (const family of capability.families.slice(0, FAMILIES_MAX)) {
        into
          .u16(family.afi)
          .u8(family.safi)
          .u8(family.forwardingPreserved ? 0x80 : 0);
      }
      return;
    }
    case "add-path":
      for (const family of capability.families.slice(0, FAMILIES_MAX)) {
        into.u16(family.afi).u8(family.safi).u8(family.mode);
      }
      return;
    case "fqdn":
      encodeText(capability.host, FQDN_PART_OCTETS_MAX, into);
      encodeText(capability.domain, FQDN_PART_OCTETS_MAX, into);
      return;
    case "software-version":
      encodeText(capability.version, VERSION_OCTETS_MAX, into);
      return;
    case "unknown":
      into.octets(capability.value.subarray(0, VALUE_OCTETS_MAX));
  }
}

const ROWS: Readonly<Record<number, CapabilityRow>> = {
  [CapabilityCode.MultiprotocolExtensions]: { name: "multiprotocol", decode: decodeMultiprotocol },
  [CapabilityCode.RouteRefresh]: { name: "route-refresh", decode: flagOnly("route-refresh") },
  // RFC 8950 §4: (AFI, SAFI, next hop AFI), two octets each.
  [CapabilityCode.ExtendedNextHopEncoding]: {
    name: "extended-next-hop",
    decode: octetsOf(CapabilityCode.ExtendedNextHopEncoding, 6),
  },
  [CapabilityCode.ExtendedMessage]: {
    name: "extended-message",
    decode: flagOnly("extended-message"),
  },
  [CapabilityCode.BgpRole]: {
    name: "role",
    decode: (value) => (value.length === 1 ? { kind: "role", role: value[0] ?? 0 } : undefined),
  },
  [CapabilityCode.GracefulRestart]: { name: "graceful-restart", decode: decodeGracefulRestart },
  [CapabilityCode.FourOctetAs]: { name: "four-octet-as", decode: decodeFourOctetAs },
  [CapabilityCode.AddPath]: { name: "add-path", decode: decodeAddPath },
  [CapabilityCode.EnhancedRouteRefresh]: {
    name: "enhanced-route-refresh",
    decode: flagOnly("enhanced-route-refresh"),
  },
  // RFC 9494 §3.1: (AFI, SAFI, flags, stale time) of seven octets.
  [CapabilityCode.LongLivedGracefulRestart]: {
    name: "long-lived-graceful-restart",
    decode: octetsOf(CapabilityCode.LongLivedGracefulRestart, 7),
  },
  [CapabilityCode.Fqdn]: { name: "fqdn", decode: decodeFqdn },
  [CapabilityCode.SoftwareVersion]: { name: "software-version", decode: decodeSoftwareVersion },
};

/** RFC 4271 §6.2: nothing more specific than "the OPEN is malformed". */
const UNSPECIFIC = 0;
const VALUE_OCTETS_MAX = 255;
const FAMILIES_MAX = 63;
const FQDN_PART_OCTETS_MAX = 126;
const VERSION_OCTETS_MAX = 64;
