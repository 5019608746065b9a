import t from "tap";
import { mirrored, Pair, Solo, sessionConfig } from "../../unit/bfd/harness.ts";

const multihop = { mode: "multihop", device: undefined, minTtl: 250 } as const;

t.test("RFC 5883 §5 B5: a packet to 3784 for a multihop session", async (t) => {
  const solo = new Solo(multihop);
  solo.receive({ state: "Down" }, { port: 3784 });
  solo.receive({ state: "Down", yourDiscriminator: 0 }, { port: 3784 });
  t.match(solo.view(), { packetsIn: 0, discards: { port: 2 } });
  solo.receive({ state: "Down" });
  t.equal(solo.view().state, "Init");
});

t.test("RFC 5883 §6 B5: the least TTL that its hops leave", async (t) => {
  const solo = new Solo(multihop);
  solo.receive({ state: "Down" }, { ttl: 249 });
  t.match(solo.view(), { packetsIn: 0, discards: { ttl: 1 } });
  solo.receive({ state: "Down" }, { ttl: 250 });
  t.equal(solo.view().state, "Init");
  const any = new Solo({ ...multihop, minTtl: 0 });
  any.receive({ state: "Down" }, { ttl: 1 });
  t.equal(any.view().state, "Init");
});

t.test("RFC 5883 §4: single-hop and multihop between one pair of addresses", async (t) => {
  const solo = new Solo();
  solo.configure(sessionConfig(), sessionConfig({ ...multihop, name: "m" }));
  solo.receive({ state: "Down", yourDiscriminator: 0 }, { port: 4784 });
  t.equal(solo.view("s").state, "Down");
  t.equal(solo.view("m").state, "Init");
});

t.test("RFC 5883 §4: any interface will do", async (t) => {
  const solo = new Solo(multihop);
  solo.receive({ state: "Down" }, { device: "eth7" });
  t.equal(solo.view().state, "Init");
  const config = sessionConfig(multihop);
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.bringUp();
  t.ok(pair.isUp());
});
