import type { NotificationMessage } from "../wire/message.ts";
import { notificationName } from "../wire/names.ts";

export { notificationName };

/** `peer sent Cease/Administrative Shutdown: "maintenance"`. */
export function notificationText(message: NotificationMessage): string {
  const name = notificationName(message.code, message.subcode);
  const words = message.shutdownCommunication;
  return words === undefined ? `peer sent ${name}` : `peer sent ${name}: "${words}"`;
}
