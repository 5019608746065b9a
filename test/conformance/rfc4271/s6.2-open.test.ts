import t from "tap";
import { type LocalOpen, negotiate, openMessage } from "../../../src/bgp/fsm/negotiate.ts";
import type { Capability, OpenMessage } from "../../../src/bgp/wire/message.ts";
import { IPV4, IPV6, localOpen, remoteOpen } from "../../support/bgp-session.ts";

const bare = (changes: Partial<OpenMessage> = {}): OpenMessage => ({
  ...remoteOpen(),
  capabilities: [],
  ...changes,
});

function faultOf(local: LocalOpen, open: OpenMessage): string {
  const result = negotiate(local, open);
  if (result.ok) return "accepted";
  return `${result.fault.code}/${result.fault.subcode} ${result.fault.because}`;
}

t.test("RFC 4271 §6.2 OPEN: the AS must be the configured one", async (t) => {
  t.equal(faultOf(localOpen(), remoteOpen()), "accepted");
  t.equal(
    faultOf(localOpen(), remoteOpen({ localAs: 65099 })),
    "2/2 peer's AS is 65099, configured 45104",
  );
});

t.test("RFC 6793 §4.1 OPEN: four octets come from the capability", async (t) => {
  const local = localOpen({ remoteAs: 4_200_000_001 });
  t.equal(faultOf(local, remoteOpen({ localAs: 4_200_000_001 })), "accepted");
  t.match(faultOf(local, bare({ myAs: 23456 })), /^2\/2 /, "AS_TRANS is nobody's AS");
  const lying = bare({ myAs: 65002, capabilities: [{ kind: "four-octet-as", as: 45104 }] });
  t.match(faultOf(localOpen(), lying), /^2\/2 .* 65002 in the OPEN and 45104 in its/);

  const old = negotiate(localOpen(), bare());
  t.match(old, { ok: true, value: { wire: { as4: false } } }, "a 2-octet speaker is welcome");
  const we = localOpen({ capabilities: [{ kind: "multiprotocol", family: IPV4 }] });
  t.match(negotiate(we, remoteOpen()), { value: { wire: { as4: false } } }, "as are we");
});

t.test("RFC 4271 §4.2 OPEN: the smaller hold time, and a third of it", async (t) => {
  const cases = [
    [90, 30, 180, 90, 30],
    [90, 30, 9, 9, 3],
    [90, 10, 90, 90, 10],
    [90, 30, 0, 0, 0],
    [0, 30, 90, 0, 0],
  ] as const;
  for (const [ours, keepalive, theirs, hold, interval] of cases) {
    const local = localOpen({ holdTimeSec: ours, keepaliveTimeSec: keepalive });
    t.match(negotiate(local, remoteOpen({ holdTimeSec: theirs })), {
      value: { holdTimeSec: hold, keepaliveTimeSec: interval },
    });
  }
});

t.test("RFC 4271 §6.2 OPEN: an unacceptable hold time", async (t) => {
  const local = localOpen({ holdTimeSecMin: 9 });
  t.match(faultOf(local, remoteOpen({ holdTimeSec: 6 })), /^2\/6 hold time would be 6 s/);
  t.match(faultOf(local, remoteOpen({ holdTimeSec: 0 })), /^2\/6/, "0 is less than any");
  t.equal(faultOf(local, remoteOpen({ holdTimeSec: 9 })), "accepted");
});

t.test("RFC 5492 §5 OPEN: no family in common lists what we need", async (t) => {
  const local = localOpen({ families: [IPV4, IPV6] });
  const open = bare({ capabilities: [{ kind: "multiprotocol", family: { afi: 25, safi: 70 } }] });
  const result = negotiate(local, open);
  t.match(result, { ok: false, fault: { code: 2, subcode: 7 } });
  if (!result.ok) t.same([...result.fault.data], [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1]);
});

t.test("RFC 4760 §8 OPEN: families are those both announced", async (t) => {
  const both = localOpen({ families: [IPV4, IPV6] });
  t.match(negotiate(both, remoteOpen()), { value: { families: [IPV4] } });
  t.match(negotiate(both, bare()), { value: { families: [IPV4] } }, "no capability: IPv4 unicast");
  const six = bare({ capabilities: [{ kind: "multiprotocol", family: IPV6 }] });
  t.match(negotiate(both, six), { value: { families: [IPV6] } }, "with one, only those named");
});

t.test("RFC 5492 §3 OPEN: a capability counts when both sides have it", async (t) => {
  const value = negotiate(localOpen(), remoteOpen());
  t.match(value, {
    value: {
      routeRefresh: true,
      enhancedRouteRefresh: true,
      gracefulRestart: false,
      messageOctetsMax: 65535,
      wire: { as4: true, extendedMessages: true, session: "ebgp", peerAs: 45104 },
    },
  });
  const theirs: Capability[] = [{ kind: "enhanced-route-refresh" }];
  t.match(negotiate(localOpen(), bare({ capabilities: theirs })), {
    value: {
      routeRefresh: false,
      enhancedRouteRefresh: false,
      messageOctetsMax: 4096,
      wire: { extendedMessages: false },
    },
  });
});

t.test("RFC 4271 §4.2 OPEN: what we send", async (t) => {
  t.match(openMessage(localOpen({ localAs: 4_200_000_000 })), {
    version: 4,
    myAs: 23456,
    holdTimeSec: 90,
    bgpIdentifier: 0x0a000001,
  });
});

t.test("RFC 4271 §6.2 OPEN: what is kept owns its octets", async (t) => {
  const octets = Uint8Array.of(1, 2, 3);
  const capabilities: Capability[] = [{ kind: "unknown", code: 200, value: octets }];
  const result = negotiate(localOpen(), bare({ capabilities }));
  octets.fill(0);
  t.match(result, { value: { remoteCapabilities: [{ value: Uint8Array.of(1, 2, 3) }] } });
});
