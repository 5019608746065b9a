import t from "tap";
import { decodeOpen } from "../../../src/bgp/wire/open.ts";
import { openBody } from "../../support/wire-octets.ts";

const malformed = { ok: false, fault: { code: 2, subcode: 0 } };

t.test("RFC 9072 §2 extended parameters: 2-octet lengths, of list and parameter", async (t) => {
  const decoded = decodeOpen(openBody("ff 0009 02 0006 0104 00010001", 255));
  t.match(decoded, { ok: true, value: { capabilities: [{ kind: "multiprotocol" }] } });
});

t.test("RFC 9072 §2 extended parameters: the old length says nothing but 0", async (t) => {
  t.match(decodeOpen(openBody("ff 0005 02 0002 0200", 7)), {
    ok: true,
    value: { capabilities: [{ kind: "route-refresh" }] },
  });
  t.match(decodeOpen(openBody("ff 0005 02 0002 0200", 0)), malformed);
});

t.test("RFC 9072 §2 extended parameters: an empty list", async (t) => {
  t.match(decodeOpen(openBody("ff 0000", 255)), { ok: true, value: { capabilities: [] } });
});

t.test("RFC 9072 §2 extended parameters: lengths that lie", async (t) => {
  t.match(decodeOpen(openBody("ff 0002 0001", 255)), malformed, "no room for a header");
  t.match(decodeOpen(openBody("ff", 255)), malformed);
  t.match(decodeOpen(openBody("ff 00", 255)), malformed);
  t.match(decodeOpen(openBody("ff ffff 02 ffff", 255)), malformed);
  t.match(decodeOpen(openBody("ff 0005 02 0003 0200", 255)), malformed);
  t.match(decodeOpen(openBody("ff 0004 02 0002 0200", 255)), malformed);
});

t.test(
  "RFC 9072 §2 extended parameters: a value of exactly 255 may be an ordinary list",
  async (t) => {
    const capability = `e0fb${"aa".repeat(251)}`;
    const decoded = decodeOpen(openBody(`02fd ${capability}`, 255));
    t.match(decoded, { ok: true, value: { capabilities: [{ kind: "unknown", code: 0xe0 }] } });
  },
);
