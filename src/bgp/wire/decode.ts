import { ok, type Result } from "../../core/result.ts";
import type { WireFault } from "./fault.ts";
import type { Frame } from "./framer.ts";
import { MessageType } from "./iana.ts";
import type { Message, WireContext } from "./message.ts";
import { decodeNotification } from "./notification.ts";
import { decodeOpen } from "./open.ts";
import { decodeRouteRefresh } from "./route-refresh.ts";
import { decodeUpdate } from "./update.ts";

/**
 * What a whole message says. A fault ends the session; an UPDATE with lesser faults is a value that
 * carries them. Octet fields are views on the frame: whoever keeps one copies it.
 */
export function decodeMessage(
  frame: Pick<Frame, "type" | "body">,
  context: WireContext,
): Result<Message, WireFault> {
  switch (frame.type) {
    case MessageType.Open:
      return decodeOpen(frame.body);
    case MessageType.Update:
      return decodeUpdate(frame.body, context);
    case MessageType.Notification:
      return ok(decodeNotification(frame.body));
    case MessageType.Keepalive:
      return KEEPALIVE;
    case MessageType.RouteRefresh:
      return decodeRouteRefresh(frame.body);
  }
}

const KEEPALIVE = ok({ kind: "keepalive" } as const);
