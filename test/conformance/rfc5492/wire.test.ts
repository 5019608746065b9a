import t from "tap";
import { decodeOpen } from "../../../src/bgp/wire/open.ts";
import { octets, openBody } from "../../support/wire-octets.ts";

/** The OPEN with one Capabilities parameter. */
const decoded = (capabilities: string) => {
  const length = octets(capabilities).length.toString(16).padStart(2, "0");
  return decodeOpen(openBody(`02 ${length} ${capabilities}`));
};

function capabilitiesOf(capabilities: string) {
  const open = decoded(capabilities);
  if (!open.ok) throw new Error(open.fault.because);
  return open.value;
}

t.test("RFC 5492 §4 capabilities: several in one parameter and one in several", async (t) => {
  t.equal(capabilitiesOf("0104 00010001 0200 4600").capabilities.length, 3);
  const open = decodeOpen(openBody("0202 0200 0202 4600"));
  t.match(open, {
    value: { capabilities: [{ kind: "route-refresh" }, { kind: "enhanced-route-refresh" }] },
  });
});

t.test("RFC 5492 §3 capabilities: an unknown one is kept and harms nothing", async (t) => {
  t.same(capabilitiesOf("6303aabbcc").capabilities, [
    { kind: "unknown", code: 0x63, value: octets("aabbcc") },
  ]);
});

t.test("RFC 5492 §4 capabilities: one that leaves its parameter is a malformed OPEN", async (t) => {
  for (const capabilities of ["01", "0104 000100", "4104 0000b0", "0200 4104 0000"]) {
    t.match(decoded(capabilities), { ok: false, fault: { code: 2, subcode: 0 } }, capabilities);
  }
});

t.test("RFC 5492 §3 capabilities: one that contradicts its RFC is set aside, named", async (t) => {
  const cases: Readonly<Record<string, string>> = {
    "0103 000100": "multiprotocol",
    "020100": "route-refresh",
    "050500010001 00": "extended-next-hop",
    "060100": "extended-message",
    "0900": "role",
    "09020000": "role",
    "400100": "graceful-restart",
    "4003003cff": "graceful-restart",
    "4500": "add-path",
    "4503000101": "add-path",
    "46020000": "enhanced-route-refresh",
    "470500010100 00": "long-lived-graceful-restart",
    "4900": "fqdn",
    "49050841424344": "fqdn",
    "4903 021b5b": "fqdn",
    "4b00": "software-version",
    "4b0100": "software-version",
    "4b01ff": "software-version",
    "4b0302c328": "software-version",
  };
  for (const [capability, name] of Object.entries(cases)) {
    const open = capabilitiesOf(`${capability} 0200`);
    t.same(open.capabilities, [{ kind: "route-refresh" }], capability);
    t.match(open.ignoredCapabilities, [{ reason: `capability-${name}-malformed` }], capability);
  }
});

t.test("RFC 4724 §3, RFC 8538 §2: Graceful Restart with its bits", async (t) => {
  t.same(capabilitiesOf("400a c07800010180 00020100").capabilities, [
    {
      kind: "graceful-restart",
      restarted: true,
      notification: true,
      restartTimeSec: 120,
      families: [
        { afi: 1, safi: 1, forwardingPreserved: true },
        { afi: 2, safi: 1, forwardingPreserved: false },
      ],
    },
  ]);
});

t.test("RFC 7911 §4: a mode nobody defined drops its entry", async (t) => {
  t.same(capabilitiesOf("4508 00010103 00020104").capabilities, [
    { kind: "add-path", families: [{ afi: 1, safi: 1, mode: 3 }] },
  ]);
});

t.test("RFC 9234 §4.1: the role is carried, whatever its number", async (t) => {
  t.same(capabilitiesOf("090103 0901ff").capabilities, [
    { kind: "role", role: 3 },
    { kind: "role", role: 255 },
  ]);
});
