import { ByteWriter, concatBytes, EMPTY } from "../../core/bytes.ts";
import type { Cease } from "../fsm/event.ts";
import { formatFamily } from "../fsm/negotiate.ts";
import { CeaseSubcode, ErrorCode } from "../wire/iana.ts";
import type { Family } from "../wire/message.ts";
import { shutdownData } from "../wire/notification.ts";

/** Every Cease of ours (RFC 4486), with the sentence people read beside it. */

/** RFC 9003 §2: the operator's words go to the peer. */
export const shutdownCease = (words: string, text: string): Cease => ({
  subcode: CeaseSubcode.AdministrativeShutdown,
  data: wordsData(words),
  reason: "admin",
  text,
});

export const resetCease = (words: string): Cease => ({
  subcode: CeaseSubcode.AdministrativeReset,
  data: wordsData(words),
  reason: "admin",
  text: quoted("reset by operator", words),
});

/** RFC 8538 §4: bare, never inside a Hard Reset, so that the peer keeps our routes. */
export const restartCease = (words: string, text: string): Cease => ({
  subcode: CeaseSubcode.AdministrativeReset,
  data: wordsData(words),
  reason: "admin",
  text,
});

/**
 * RFC 8538 §5.1: between two speakers with the N bit every other Cease of ours goes out inside a
 * Hard Reset, for we mean that nothing is to be kept.
 */
export const hardReset = ({ subcode, data, reason, text }: Cease): Cease => ({
  subcode: CeaseSubcode.HardReset,
  data: concatBytes([Uint8Array.of(ErrorCode.Cease, subcode), data]),
  reason,
  text,
});

export const deconfiguredCease: Cease = {
  subcode: CeaseSubcode.PeerDeconfigured,
  data: EMPTY,
  reason: "config",
  text: "removed from the configuration",
};

export const configurationCease: Cease = {
  subcode: CeaseSubcode.OtherConfigurationChange,
  data: EMPTY,
  reason: "config",
  text: "the configuration of the session changed",
};

/** Strict BFD: a connection that must not be, whoever opened it (RFC 4486 §4). */
export const holdOffCease = (reason: string): Cease => ({
  subcode: CeaseSubcode.ConnectionRejected,
  data: EMPTY,
  reason: "hold_off",
  text: `held off: ${reason}`,
});

/** RFC 9384 §3 for BFD; no subcode says that a link is down. */
export const pathCease = (cause: "bfd-down" | "link-down", text: string): Cease =>
  cause === "bfd-down"
    ? {
        subcode: CeaseSubcode.BfdDown,
        data: EMPTY,
        reason: "bfd_down",
        text: `BFD down: ${text}`,
      }
    : { subcode: 0, data: EMPTY, reason: "link_down", text: `link down: ${text}` };

/** RFC 4486 §4: the data names the family and the bound. */
export const prefixLimitCease = (family: Family, limit: number, text: string): Cease => ({
  subcode: CeaseSubcode.MaximumNumberOfPrefixesReached,
  data: new ByteWriter(7).u16(family.afi).u8(family.safi).u32(limit).finish(),
  reason: "prefix_limit",
  text,
});

export const prefixLimitText = (family: Family, limit: number): string =>
  `peer exceeded the limit of ${limit} ${formatFamily(family)} prefixes`;

/** A bug of ours met an input of this peer's; the others go on. */
export const internalErrorCease = (message: string): Cease => ({
  subcode: CeaseSubcode.OutOfResources,
  data: EMPTY,
  reason: "notification_out",
  text: `internal error: ${message}`,
});

export const quoted = (text: string, words: string): string =>
  words === "" ? text : `${text}: "${words}"`;

const wordsData = (words: string): Uint8Array => (words === "" ? EMPTY : shutdownData(words));
