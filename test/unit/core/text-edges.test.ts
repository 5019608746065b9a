import fc from "fast-check";
import t from "tap";
import { formatAddress, parseAddress } from "../../../src/core/address.ts";
import { Deadlines } from "../../../src/core/deadlines.ts";
import { formatPrefix, maskAddress, overlaps, parsePrefix } from "../../../src/core/prefix.ts";
import { seededRng } from "../../../src/core/rng.ts";
import { formatDurationUs, micros, parseDurationUs } from "../../../src/core/time.ts";
import { decodeUtf8, encodeUtf8 } from "../../../src/core/utf8.ts";

t.test("addresses: octets → text → octets", async (t) => {
  const octets = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(
    fc.property(octets, (address) => {
      const back = parseAddress(formatAddress(address));
      return back !== undefined && Buffer.compare(back, address) === 0;
    }),
  );
  for (const text of ["", "10.0.0", "10.0.0.256", "fe80::1%eth0", "1::2::3", "0x7f.1", "a"]) {
    t.equal(parseAddress(text), undefined, `"${text}" is no address`);
  }
});

t.test("prefixes: host bits are refused, masking clears them", async (t) => {
  t.equal(parsePrefix("10.0.0.1/8"), undefined);
  t.equal(parsePrefix("10.0.0.0/33"), undefined);
  t.equal(parsePrefix("10.0.0.0"), undefined);
  for (const text of ["0.0.0.0/0", "10.20.0.0/23", "2001:db8::/32", "::/0", "255.255.255.255/32"]) {
    const prefix = parsePrefix(text);
    t.equal(prefix && formatPrefix(prefix), text);
  }
  t.same(maskAddress(Uint8Array.of(10, 20, 255, 255), 23), Uint8Array.of(10, 20, 254, 0));
  const [a, b, c] = ["10.0.0.0/8", "10.9.0.0/16", "11.0.0.0/8"].map(parsePrefix);
  t.ok(a && b && c && overlaps(a, b) && overlaps(b, a) && !overlaps(a, c));
});

t.test("durations carry a unit", async (t) => {
  t.equal(parseDurationUs("300ms"), 300_000);
  t.equal(parseDurationUs("1.5s"), 1_500_000);
  t.equal(parseDurationUs("300"), undefined);
  t.equal(parseDurationUs("-1s"), undefined);
  for (const us of [0, 1, 300_000, 1_500_000, 90_000_000]) {
    t.equal(parseDurationUs(formatDurationUs(us)), us);
  }
});

t.test("UTF-8: what Node encodes we decode, what we encode Node decodes", async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      return (
        Buffer.compare(encodeUtf8(text), Buffer.from(text)) === 0 &&
        decodeUtf8(encodeUtf8(text)) === text
      );
    }),
  );
  const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), (octets) => {
      let expected: string | undefined;
      try {
        expected = fatal.decode(octets);
      } catch {
        expected = undefined;
      }
      return decodeUtf8(octets) === expected;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test("deadlines: soonest first, equals in arming order", async (t) => {
  const deadlines = new Deadlines<"a" | "b" | "c">();
  deadlines.arm("a", micros(20));
  deadlines.arm("b", micros(10));
  deadlines.arm("c", micros(10));
  t.equal(deadlines.next(), 10);
  t.equal(deadlines.takeDue(micros(9)), undefined);
  deadlines.arm("b", micros(10));
  t.equal(deadlines.takeDue(micros(30)), "c");
  t.equal(deadlines.takeDue(micros(30)), "b");
  t.equal(deadlines.takeDue(micros(30)), "a");
  t.equal(deadlines.next(), undefined);
});

t.test("a seed repeats, a fork is on its own", async (t) => {
  const draw = (seed: number) => {
    const rng = seededRng(seed);
    const child = rng.fork();
    const before = rng.int(0, 1_000_000);
    for (let count = 0; count < 5; count += 1) child.unit();
    return [before, rng.int(0, 1_000_000), child.int(0, 1_000_000)];
  };
  t.same(draw(7), draw(7));
  t.not(draw(7)[0], draw(8)[0]);
});
