import t from "tap";
import { collisionSurvivor, dominantEnd, mustWait } from "../../../src/bgp/fsm/collision.ts";

const parties = {
  localBgpIdentifier: 0x0a000001,
  remoteBgpIdentifier: 0x0a000002,
  localAs: 65001,
  remoteAs: 45104,
};
const mirrored = {
  localBgpIdentifier: parties.remoteBgpIdentifier,
  remoteBgpIdentifier: parties.localBgpIdentifier,
  localAs: parties.remoteAs,
  remoteAs: parties.localAs,
};

t.test("RFC 4271 §6.8 collision: the higher identifier's connection is kept", async (t) => {
  const [local, remote] = [{ openedBy: "local" }, { openedBy: "remote" }] as const;
  const inOpenConfirm = <T>(end: T) => ({ ...end, state: "OpenConfirm" }) as const;
  t.equal(collisionSurvivor(inOpenConfirm(local), remote, parties, false), "newcomer");
  t.equal(collisionSurvivor(inOpenConfirm(remote), local, parties, false), "existing");
  t.equal(collisionSurvivor(inOpenConfirm(local), remote, mirrored, false), "existing");
  t.equal(collisionSurvivor(inOpenConfirm(remote), local, mirrored, false), "newcomer");
});

t.test("RFC 4271 §6.8 collision: identifiers compare as unsigned numbers", async (t) => {
  const high = { ...parties, localBgpIdentifier: 0xc0a80001, remoteBgpIdentifier: 0x0a000001 };
  t.equal(dominantEnd(high), "local");
});

t.test("RFC 6286 §2.3 collision: equal identifiers, the larger AS", async (t) => {
  const equal = { ...parties, remoteBgpIdentifier: parties.localBgpIdentifier };
  t.equal(dominantEnd(equal), "local", "65001 over 45104");
  t.equal(dominantEnd({ ...equal, remoteAs: 4_200_000_000 }), "remote");
});

t.test("RFC 4271 §6.8 collision: both ends name the same survivor", async (t) => {
  const flip = { local: "remote", remote: "local" } as const;
  t.equal(dominantEnd(parties), flip[dominantEnd(mirrored)]);
});

t.test("RFC 4271 §6.8 collision: an Established connection is kept", async (t) => {
  const existing = { state: "Established", openedBy: "local" } as const;
  t.equal(collisionSurvivor(existing, { openedBy: "remote" }, parties, false), "existing");
  const restarted = collisionSurvivor(existing, { openedBy: "remote" }, parties, true);
  t.equal(restarted, "newcomer", "RFC 4724 §4.2: unless the peer has restarted");
});

t.test("RFC 4271 §6.8 collision: before the other OPEN only one way is certain", async (t) => {
  const [local, remote] = [{ openedBy: "local" }, { openedBy: "remote" }] as const;
  const inOpenSent = <T>(end: T) => ({ ...end, state: "OpenSent" }) as const;
  t.equal(collisionSurvivor(inOpenSent(local), remote, parties, false), "newcomer");
  t.equal(collisionSurvivor(inOpenSent(remote), local, parties, false), undefined);
  t.equal(mustWait(inOpenSent(remote), local, parties), true, "its OPEN decides");
  t.equal(mustWait(inOpenSent(local), remote, parties), false);
  t.equal(mustWait(inOpenSent(local), remote, mirrored), true);
});

t.test("RFC 4271 §6.8 collision: an attempt gives way, the peer heard no OPEN on it", async (t) => {
  const attempt = { state: "Connect", openedBy: "local" } as const;
  for (const ends of [parties, mirrored]) {
    t.equal(collisionSurvivor(attempt, { openedBy: "remote" }, ends, false), "newcomer");
    t.equal(mustWait(attempt, { openedBy: "remote" }, ends), false);
  }
});

t.test("RFC 4271 §6.8 collision: of two by the same end, the older is a leftover", async (t) => {
  const existing = { state: "OpenConfirm", openedBy: "remote" } as const;
  t.equal(collisionSurvivor(existing, { openedBy: "remote" }, parties, false), "newcomer");
});
