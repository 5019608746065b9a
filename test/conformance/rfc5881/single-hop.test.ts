import t from "tap";
import { Solo, sessionConfig } from "../../unit/bfd/harness.ts";

t.test("RFC 5881 §5 B5: TTL 254 is discarded and counted apart", async (t) => {
  const solo = new Solo();
  solo.receive({ state: "Down" }, { ttl: 254 });
  t.match(solo.view(), { state: "Down", packetsIn: 0, discards: { ttl: 1 } });
  t.match(solo.logs[0], {
    level: "warn",
    event: "bfd.packet.discarded",
    fields: { session: "s", reason: "ttl", ttl: 254, because: "TTL 254, at least 255 is due" },
  });
  solo.receive({ state: "Down" }, { ttl: 255 });
  t.equal(solo.view().state, "Init");
});

t.test("RFC 5881 §3 B5: right addresses, wrong interface", async (t) => {
  const solo = new Solo();
  solo.receive({ state: "Down", yourDiscriminator: 0 }, { device: "eth0.100" });
  solo.receive({ state: "Down" }, { device: "eth0.100" });
  solo.receive({ state: "Down" }, { device: undefined });
  t.match(solo.view(), { packetsIn: 0, discards: { device: 3 } });
  t.match(solo.logs[0]?.fields, { because: "its session runs over eth0", device: "eth0.100" });
});

t.test("RFC 5881 §3: sessions over two interfaces with the same addresses", async (t) => {
  const solo = new Solo();
  solo.configure(sessionConfig(), sessionConfig({ name: "t", device: "eth1" }));
  solo.receive({ state: "Down", yourDiscriminator: 0 }, { device: "eth1" });
  t.equal(solo.view("s").state, "Down");
  t.equal(solo.view("t").state, "Init");
});

t.test("RFC 5881 §4 B5: a packet to 4784 for a single-hop session", async (t) => {
  const solo = new Solo();
  solo.receive({ state: "Down", yourDiscriminator: 0 }, { port: 4784 });
  solo.receive({ state: "Down" }, { port: 4784 });
  t.match(solo.view(), { packetsIn: 0, discards: { port: 2 } });
  t.match(solo.logs[0]?.fields, { because: "came to port 4784, single-hop uses 3784" });
});

t.test("RFC 5881 §3: another address under our discriminator", async (t) => {
  const solo = new Solo();
  solo.receive({ state: "Down" }, { remoteAddress: "10.0.0.66" });
  t.match(solo.view(), { packetsIn: 0, discards: { address: 1 } });
});
