import t from "tap";
import type { BfdAuthConfig } from "../../../src/bfd/sessions/contract.ts";
import { AuthType, sign, unsignedSection } from "../../../src/bfd/wire/auth.ts";
import { encodeControlPacket } from "../../../src/bfd/wire/control-packet.ts";
import { MS, mirrored, Pair, SEC, Solo, sessionConfig } from "../../unit/bfd/harness.ts";

const secret = new TextEncoder().encode("one");
const other = new TextEncoder().encode("two");
const types = Object.keys(AuthType) as BfdAuthConfig["type"][];
const digests = types.filter((type) => type !== "simple-password");

const authOf = (type: BfdAuthConfig["type"], changes: Partial<BfdAuthConfig> = {}) => ({
  type,
  sendKeyId: 1,
  keys: [{ id: 1, secret }],
  ...changes,
});

/** A packet of the peer under a key and number of its choice. */
function signedBy(
  solo: Solo,
  type: BfdAuthConfig["type"],
  sequence: number,
  key = { id: 1, secret },
) {
  const auth = unsignedSection(type, key, sequence);
  const yourDiscriminator = solo.view().localDiscriminator;
  const packet = encodeControlPacket({ ...solo.peer, yourDiscriminator, state: "Up", auth });
  sign(packet, auth);
  return packet;
}

t.test("RFC 5880 §6.7: every type comes up and stays up, with 10 % loss", async (t) => {
  for (const type of types) {
    const config = sessionConfig({ auth: authOf(type), detectMult: 10 });
    const pair = new Pair({ a: config, b: mirrored(config) }, { link: { loss: 0.1 } });
    pair.bringUp();
    pair.run(60 * SEC);
    t.ok(pair.isUp(), type);
    t.notOk(
      pair.a.states.some(({ to }) => to === "Down"),
      `${type}: no flap`,
    );
    t.same(pair.a.view().discards, {}, `${type}: nothing refused`);
    t.equal(pair.a.sent[0]?.packet.auth?.type, AuthType[type]);
  }
});

t.test("RFC 5880 §6.8.6 B4: authentication on one side only is refused", async (t) => {
  const plain = new Solo();
  plain.receiveOctets(signedBy(plain, "keyed-sha1", 1));
  t.match(plain.view(), { packetsIn: 0, discards: { "auth-unexpected": 1 } });
  const solo = new Solo({ auth: authOf("keyed-sha1") });
  solo.receive({ state: "Down" });
  t.match(solo.view(), { state: "Down", packetsIn: 0, discards: { "auth-missing": 1 } });
});

t.test("RFC 5880 §6.7.2–§6.7.4: wrong type, key id, secret are told apart", async (t) => {
  for (const type of types) {
    const solo = new Solo({ auth: authOf(type) });
    const wrongType = type === "keyed-md5" ? "keyed-sha1" : "keyed-md5";
    solo.receiveOctets(signedBy(solo, wrongType, 1));
    solo.receiveOctets(signedBy(solo, type, 1, { id: 2, secret }));
    solo.receiveOctets(signedBy(solo, type, 1, { id: 1, secret: other }));
    const cut = signedBy(solo, type, 1);
    cut[25] = 3;
    solo.receiveOctets(cut);
    const refused = { "auth-type": 1, "auth-key": 1, "auth-digest": 1, "auth-section": 1 };
    t.same(solo.view().discards, refused, type);
    t.equal(solo.view().packetsIn, 0);
    solo.receiveOctets(signedBy(solo, type, 1));
    t.equal(solo.view().packetsIn, 1, `${type}: the true one`);
    t.notOk(JSON.stringify(solo.logs).includes("one,"), "no secret in the log");
  }
});

t.test("RFC 5880 §6.7.3, §6.7.4: the window of sequence numbers", async (t) => {
  for (const type of digests) {
    const isMeticulous = type.startsWith("meticulous");
    for (const start of [1000, 0xffff_fffe]) {
      const solo = new Solo({ auth: authOf(type) });
      const accepts = (sequence: number) => {
        const before = solo.view().packetsIn;
        solo.receiveOctets(signedBy(solo, type, sequence >>> 0));
        return solo.view().packetsIn > before;
      };
      t.ok(accepts(start), `${type}: any number first`);
      t.equal(accepts(start), !isMeticulous, `${type}: the same again`);
      t.notOk(accepts(start - 1), `${type}: an older one`);
      t.notOk(accepts(start + 10), `${type}: beyond 3 × Detect Mult`);
      t.ok(accepts(start + 9), `${type}: the last of the window`);
      t.notOk(accepts(start + 1), `${type}: behind again`);
      t.ok(accepts(start + 10), `${type}: the next`);
    }
  }
});

t.test("RFC 5880 §6.8.1: bfd.AuthSeqKnown is void after twice the Detection Time", async (t) => {
  const solo = new Solo({ auth: authOf("meticulous-keyed-sha1") });
  solo.receiveOctets(signedBy(solo, "meticulous-keyed-sha1", 5_000));
  solo.pass(1_799 * MS);
  solo.receiveOctets(signedBy(solo, "meticulous-keyed-sha1", 7));
  t.equal(solo.view().discards["auth-sequence"], 1);
  solo.pass(1 * MS);
  solo.receiveOctets(signedBy(solo, "meticulous-keyed-sha1", 7));
  t.equal(solo.view().packetsIn, 2);
});

t.test("RFC 5880 §6.7.3: a forged packet does not take the sequence number", async (t) => {
  const solo = new Solo({ auth: authOf("keyed-sha1") });
  solo.receiveOctets(signedBy(solo, "keyed-sha1", 0x8000_0000, { id: 1, secret: other }));
  solo.receiveOctets(signedBy(solo, "keyed-sha1", 5));
  t.equal(solo.view().packetsIn, 1);
});

t.test("RFC 5880 §6.7.3: numbers of ours rise per packet, or per change", async (t) => {
  for (const type of digests) {
    const solo = new Solo({ auth: authOf(type) });
    solo.pass(5 * SEC);
    const numbers = solo.sent.map(({ packet }) => packet.auth?.sequence ?? 0);
    const steps = numbers.slice(1).map((n, index) => (n - (numbers[index] ?? 0)) >>> 0);
    const step = type.startsWith("meticulous") ? 1 : 0;
    t.ok(steps.length >= 4 && steps.every((by) => by === step), `${type}: ${steps}`);
    solo.handle({ kind: "admin", session: "s", isDown: true }, solo.now);
    const lastly = solo.sent.at(-1)?.packet.auth?.sequence ?? 0;
    t.equal((lastly - (numbers.at(-1) ?? 0)) >>> 0, 1, `${type}: a change`);
  }
});

t.test("RFC 5880 §6.7: keys are exchanged without a flap", async (t) => {
  const both = {
    keys: [
      { id: 1, secret },
      { id: 2, secret: other },
    ],
  };
  const type = "meticulous-keyed-sha1";
  const old = sessionConfig({ auth: authOf(type) });
  const pair = new Pair({ a: old, b: mirrored(old) });
  pair.bringUp();
  for (const auth of [
    authOf(type, both),
    authOf(type, { ...both, sendKeyId: 2 }),
    authOf(type, { keys: [{ id: 2, secret: other }], sendKeyId: 2 }),
  ]) {
    pair.configure(pair.a, sessionConfig({ auth }));
    pair.run(2 * SEC);
    pair.configure(pair.b, mirrored(sessionConfig({ auth })));
    pair.run(2 * SEC);
  }
  t.same(pair.a.path(), ["Init", "Up"]);
  t.same(pair.b.path(), ["Init", "Up"]);
  t.equal(pair.a.sent.at(-1)?.packet.auth?.keyId, 2);
});
