import t from "tap";
import { negotiate } from "../../../src/bgp/fsm/negotiate.ts";
import { localOpen, remoteOpen } from "../../support/bgp-session.ts";

t.test("RFC 6286 §2.2 BGP Identifier: equal to ours is a fault inside one AS only", async (t) => {
  const same = { bgpIdentifier: 0x0a000001 };
  t.ok(negotiate(localOpen(), remoteOpen(same)).ok, "eBGP: unique inside an AS is enough");
  const inside = localOpen({ remoteAs: 65001 });
  t.match(negotiate(inside, remoteOpen({ ...same, localAs: 65001 })), {
    ok: false,
    fault: { code: 2, subcode: 3 },
  });
  t.ok(negotiate(inside, remoteOpen({ localAs: 65001 })).ok);
});
