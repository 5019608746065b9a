import { assert } from "../../core/assert.ts";
import { ByteReader, ByteWriter } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import {
  badPeerAs,
  type Capabilities,
  decodeCapabilities,
  encodeCapability,
  malformedOpen,
} from "./capability.ts";
import { type WireFault, wireFault } from "./fault.ts";
import { encodeMessage, MESSAGE_OCTETS_MAX } from "./header.ts";
import { AS_TRANS, ErrorCode, MessageType, OpenSubcode } from "./iana.ts";
import type { OpenMessage } from "./message.ts";

/**
 * RFC 4271 §4.2, checked as far as the message alone allows (§6.2, RFC 6286 §2.2, RFC 7607 §2), in
 * the order of its fields. Whether the AS is the configured one, the hold time acceptable to us and
 * the identifier another's than ours is the FSM's to say.
 */
export function decodeOpen(body: Uint8Array): Result<OpenMessage, WireFault> {
  const reader = new ByteReader(body);
  const version = reader.u8();
  const myAs = reader.u16();
  const holdTimeSec = reader.u16();
  const bgpIdentifier = reader.u32();
  const parametersOctets = reader.u8();
  if (reader.overrun) return err(malformedOpen("open-length", `OPEN body of ${body.length}`));
  if (version !== BGP_VERSION) return err(unsupportedVersion(version));
  if (myAs === 0) return err(badPeerAs("AS 0 (RFC 7607 §2)"));
  if (holdTimeSec === 1 || holdTimeSec === 2) {
    return err(openFault(OpenSubcode.UnacceptableHoldTime, "open-hold-time", `${holdTimeSec} s`));
  }
  if (bgpIdentifier === 0) {
    return err(openFault(OpenSubcode.BadBgpIdentifier, "open-bgp-identifier", "identifier 0"));
  }
  const parameters = decodeOptionalParameters(parametersOctets, reader.rest());
  if (!parameters.ok) return parameters;
  const { capabilities, ignored } = parameters.value;
  return ok({
    kind: "open",
    version,
    myAs,
    holdTimeSec,
    bgpIdentifier,
    capabilities,
    ...(ignored.length === 0 ? {} : { ignoredCapabilities: ignored }),
  });
}

/**
 * What follows the Optional Parameters Length of `lengthOctets`. RFC 9072 §2: a first parameter
 * type of 255 announces the extended format, whatever that length says (but 0, which stands for
 * none).
 */
export function decodeOptionalParameters(
  lengthOctets: number,
  octets: Uint8Array,
): Result<Capabilities, WireFault> {
  const into: Capabilities = { capabilities: [], ignored: [] };
  const isExtended = lengthOctets !== 0 && octets[0] === EXTENDED_TYPE;
  const reader = new ByteReader(octets);
  if (isExtended) reader.u8();
  const claimed = isExtended ? reader.u16() : lengthOctets;
  if (reader.overrun || claimed !== reader.remaining) {
    return err(
      malformedOpen(
        "open-parameters-length",
        `optional parameters claim ${claimed} octets, ${reader.remaining} are there`,
      ),
    );
  }
  while (reader.remaining > 0) {
    const type = reader.u8();
    const value = reader.take(isExtended ? reader.u16() : reader.u8());
    if (reader.overrun) {
      return err(malformedOpen("open-parameter-overrun", `parameter ${type} leaves the message`));
    }
    if (type !== CAPABILITIES_TYPE) {
      return err(
        openFault(
          OpenSubcode.UnsupportedOptionalParameter,
          "open-parameter-unsupported",
          `optional parameter ${type}`,
        ),
      );
    }
    const read = decodeCapabilities(value, into);
    if (!read.ok) return read;
  }
  const hasAs0 = into.capabilities.some(
    (capability) => capability.kind === "four-octet-as" && capability.as === 0,
  );
  return hasAs0 ? err(badPeerAs("AS 0 in the 4-octet AS capability")) : ok(into);
}

/**
 * All capabilities in one parameter (RFC 5492 §4), in the extended format of RFC 9072 only where
 * the old one is too small. A `myAs` of more than two octets becomes AS_TRANS.
 */
export function encodeOpen(message: OpenMessage): Uint8Array {
  const capabilities = new ByteWriter();
  for (const capability of message.capabilities) encodeCapability(capability, capabilities);
  const body = new ByteWriter(capabilities.length + 16);
  body.u8(message.version).u16(message.myAs > 0xffff ? AS_TRANS : message.myAs);
  body.u16(message.holdTimeSec).u32(message.bgpIdentifier);
  if (capabilities.length === 0) {
    body.u8(0);
  } else if (capabilities.length <= 253) {
    body
      .u8(capabilities.length + 2)
      .u8(CAPABILITIES_TYPE)
      .u8(capabilities.length);
  } else {
    body
      .u8(255)
      .u8(EXTENDED_TYPE)
      .u16(capabilities.length + 3);
    body.u8(CAPABILITIES_TYPE).u16(capabilities.length);
  }
  const octets = encodeMessage(MessageType.Open, body.octets(capabilities.view()).finish());
  assert(octets.length <= MESSAGE_OCTETS_MAX, "an OPEN of ours fits 4096 octets");
  return octets;
}

const openFault = (subcode: number, reason: string, because: string): WireFault =>
  wireFault({ code: ErrorCode.OpenMessageError, subcode, reason, because });

/** The data is the largest version we speak that is below what was asked for (RFC 4271 §6.2). */
const unsupportedVersion = (version: number): WireFault =>
  wireFault({
    code: ErrorCode.OpenMessageError,
    subcode: OpenSubcode.UnsupportedVersionNumber,
    data: Uint8Array.of(0, BGP_VERSION),
    reason: "open-version",
    because: `version ${version}`,
  });

const BGP_VERSION = 4;
const CAPABILITIES_TYPE = 2;
const EXTENDED_TYPE = 255;
