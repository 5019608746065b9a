import { ByteWriter, concatBytes, EMPTY } from "../../core/bytes.ts";
import { encodeMessage, HEADER_OCTETS, MESSAGE_OCTETS_MAX } from "./header.ts";
import { CeaseSubcode, ErrorCode, MessageType } from "./iana.ts";
import type { NotificationMessage } from "./message.ts";
import { encodeText, safeText } from "./text.ts";

/**
 * RFC 4271 §4.5. Never a fault: there is no answering a NOTIFICATION (§6.4), and the framer has
 * made sure of its two octets.
 */
export function decodeNotification(body: Uint8Array): NotificationMessage {
  const code = body[0] ?? 0;
  const subcode = body[1] ?? 0;
  const data = body.subarray(2);
  const communication = communicationOf(code, subcode, data);
  return {
    kind: "notification",
    code,
    subcode,
    data,
    ...(communication === undefined ? {} : { shutdownCommunication: communication }),
  };
}

/** Data that does not fit 4096 octets is cut: the peer may not take more (RFC 8654 §4). */
export function encodeNotification(notification: {
  readonly code: number;
  readonly subcode: number;
  readonly data?: Uint8Array;
}): Uint8Array {
  const data = (notification.data ?? EMPTY).subarray(0, DATA_OCTETS_MAX);
  const head = Uint8Array.of(notification.code, notification.subcode);
  return encodeMessage(MessageType.Notification, concatBytes([head, data]));
}

/** RFC 9003 §2 data of a Cease: a length octet and at most 255 octets of whole characters. */
export function shutdownData(text: string): Uint8Array {
  const writer = new ByteWriter(text.length + 1);
  encodeText(text, COMMUNICATION_OCTETS_MAX, writer);
  return writer.finish();
}

/** RFC 8538 §3: a Hard Reset carries the NOTIFICATION it wraps as its data. */
function communicationOf(code: number, subcode: number, data: Uint8Array): string | undefined {
  if (code !== ErrorCode.Cease) return undefined;
  if (subcode === CeaseSubcode.HardReset && data.length >= 2 && data[0] === ErrorCode.Cease) {
    const inner = data[1] ?? 0;
    return inner === CeaseSubcode.HardReset
      ? undefined
      : communicationOf(ErrorCode.Cease, inner, data.subarray(2));
  }
  const carriesText =
    subcode === CeaseSubcode.AdministrativeShutdown || subcode === CeaseSubcode.AdministrativeReset;
  const length = data[0] ?? 0;
  if (!carriesText || length === 0 || length > data.length - 1) return undefined;
  return safeText(data.subarray(1, 1 + length));
}

const COMMUNICATION_OCTETS_MAX = 255;
const DATA_OCTETS_MAX = MESSAGE_OCTETS_MAX - HEADER_OCTETS - 2;
