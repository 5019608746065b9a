import t from "tap";
import { negotiate } from "../../../src/bgp/fsm/negotiate.ts";
import type { Capability } from "../../../src/bgp/wire/message.ts";
import { localOpen, remoteOpen } from "../../support/bgp-session.ts";

function outcome(ours: number | undefined, theirs: readonly number[], isRoleStrict = false) {
  const withRoles = (roles: readonly number[], base: readonly Capability[]) => [
    ...base,
    ...roles.map((role) => ({ kind: "role", role }) as const),
  ];
  const local = localOpen();
  const roles = ours === undefined ? [] : [ours];
  const open = remoteOpen();
  const result = negotiate(
    { ...local, isRoleStrict, capabilities: withRoles(roles, local.capabilities) },
    { ...open, capabilities: withRoles(theirs, open.capabilities) },
  );
  return result.ok ? "accepted" : `${result.fault.code}/${result.fault.subcode}`;
}

t.test("RFC 9234 §4.2 role: pairs must mirror each other", async (t) => {
  const allowed = ["0-3", "1-2", "2-1", "3-0", "4-4"];
  for (let ours = 0; ours <= 4; ours += 1) {
    for (let theirs = 0; theirs <= 5; theirs += 1) {
      const expected = allowed.includes(`${ours}-${theirs}`) ? "accepted" : "2/11";
      t.equal(outcome(ours, [theirs]), expected, `ours ${ours}, theirs ${theirs}`);
    }
  }
});

t.test("RFC 9234 §4.2 role: absent, strict, repeated", async (t) => {
  t.equal(outcome(undefined, [0]), "accepted", "without one of ours there is nothing to compare");
  t.equal(outcome(3, []), "accepted");
  t.equal(outcome(3, [], true), "2/11", "strict mode wants one");
  t.equal(outcome(3, [0, 0]), "accepted", "the same twice is once");
  t.equal(outcome(3, [0, 4]), "2/11", "two that differ");
});
