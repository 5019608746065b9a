import t from "tap";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { encodeRouteRefresh } from "../../../src/bgp/wire/route-refresh.ts";
import { IPV4, remoteOpen } from "../../support/bgp-session.ts";
import { announce, Solo } from "../../support/bgp-solo.ts";

const open = () => encodeOpen(remoteOpen());
const refresh = () => encodeRouteRefresh({ family: IPV4, subtype: 0 });
const update = () => announce(["10.1.0.0/16"]);

t.test("RFC 6608 §4 a message too early, on the wire", async (t) => {
  const cases = [
    ["KEEPALIVE in OpenSent", [encodeKeepalive()], 1, 4],
    ["UPDATE in OpenSent", [update()], 1, 2],
    ["ROUTE-REFRESH in OpenSent", [refresh()], 1, 5],
    ["OPEN in OpenConfirm", [open(), open()], 2, 1],
    ["UPDATE in OpenConfirm", [open(), update()], 2, 2],
    ["ROUTE-REFRESH in OpenConfirm", [open(), refresh()], 2, 5],
    ["OPEN in Established", [open(), encodeKeepalive(), open()], 3, 1],
  ] as const;
  for (const [title, messages, subcode, type] of cases) {
    const solo = new Solo();
    const connection = solo.accept();
    solo.say(connection, ...messages);
    const last = solo.heard(connection).at(-1);
    t.match(last, { kind: "notification", code: 5, subcode, data: Uint8Array.of(type) }, title);
    t.equal(solo.peer().lastReset?.reason, "notification_out");
    t.equal(solo.speaker.view.rib.locRibCount(IPV4), 0);
  }
});
