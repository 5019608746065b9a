import { CeaseSubcode, ErrorCode } from "../wire/iana.ts";
import type { NotificationMessage } from "../wire/message.ts";
import { notificationName } from "../wire/names.ts";

export { notificationName };

/** `peer sent Cease/Administrative Shutdown: "maintenance"`; a Hard Reset says what is inside. */
export function notificationText(message: NotificationMessage): string {
  const { code, subcode, data, shutdownCommunication: words } = message;
  const [innerCode, innerSubcode] = data;
  const isHard = code === ErrorCode.Cease && subcode === CeaseSubcode.HardReset;
  const inner =
    isHard && innerCode !== undefined && innerSubcode !== undefined
      ? ` (${notificationName(innerCode, innerSubcode)})`
      : "";
  const text = `peer sent ${notificationName(code, subcode)}${inner}`;
  return words === undefined ? text : `${text}: "${words}"`;
}
