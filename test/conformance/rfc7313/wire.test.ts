import t from "tap";
import { decodeRouteRefresh, encodeRouteRefresh } from "../../../src/bgp/wire/route-refresh.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { octets } from "../../support/wire-octets.ts";

const decoded = (body: string) => decodeRouteRefresh(octets(body));

t.test("RFC 2918 §3 ROUTE-REFRESH: a request of a family", async (t) => {
  const family = { afi: 2, safi: 1 };
  t.same(decoded("00020001"), {
    ok: true,
    value: { kind: "route-refresh", family, subtype: 0 },
  });
});

t.test("RFC 7313 §3.2 ROUTE-REFRESH: BoRR and EoRR", async (t) => {
  const family = { afi: 1, safi: 1 };
  for (const subtype of [1, 2]) {
    const encoded = encodeRouteRefresh({ family, subtype });
    t.same(decodeRouteRefresh(encoded.subarray(19)), {
      ok: true,
      value: { kind: "route-refresh", family, subtype },
    });
  }
});

t.test("RFC 7313 §5: a BoRR or EoRR of another length, the whole message as data", async (t) => {
  for (const body of ["000101", "0001010100", "000102", "0001020100ff"]) {
    const refused = decoded(body);
    t.match(refused, { ok: false, fault: { code: 7, subcode: 1 } });
    const length = (19 + octets(body).length).toString(16).padStart(4, "0");
    t.equal(!refused.ok && toHex(refused.fault.data), `${"ff".repeat(16)}${length}05${body}`);
  }
  t.match(decoded("0001"), { ok: false, fault: { code: 7, subcode: 1 } });
});

t.test("RFC 7313 §5: a subtype nobody defined is carried, to be ignored", async (t) => {
  t.match(decoded("0001ff01"), { ok: true, value: { subtype: 255 } });
  t.match(decoded("0001080100"), { ok: true, value: { subtype: 8 } });
});

t.test(
  "RFC 5291 §4: an ORF list behind a request is left unread, whatever it claims",
  async (t) => {
    t.match(decoded("00010001 01 40 ffff 00"), { ok: true, value: { subtype: 0 } });
  },
);
