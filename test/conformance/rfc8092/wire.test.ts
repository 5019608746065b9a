import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { decodeLargeCommunities } from "../../../src/bgp/wire/communities.ts";
import { outcome } from "../../support/wire-octets.ts";

const triple = (a: number, b: number, c: number) =>
  [a, b, c].map((word) => word.toString(16).padStart(8, "0")).join("");

t.test("RFC 8092 §3 large communities: triples in their order", async (t) => {
  const { attributes } = outcome(`c02018 ${triple(1, 2, 3)} ${triple(0xffff_ffff, 0, 7)}`);
  t.same(attributes?.largeCommunities, [1, 2, 3, 0xffff_ffff, 0, 7]);
});

t.test("RFC 8092 §3 large communities: repeated ones are dropped in silence", async (t) => {
  const { attributes, reasons } = outcome(
    `c02030 ${triple(1, 2, 3)} ${triple(4, 5, 6)} ${triple(1, 2, 3)} ${triple(1, 2, 4)}`,
  );
  t.same(attributes?.largeCommunities, [1, 2, 3, 4, 5, 6, 1, 2, 4]);
  t.same(reasons, []);
});

t.test("RFC 8092 §3 large communities: the first of each is kept, however many", async (t) => {
  const triple = fc.array(fc.constantFrom(0, 1, 7, 0x8000_0000, 0xffff_ffff), {
    ...{ minLength: 3, maxLength: 3 },
  });
  fc.assert(
    fc.property(fc.array(triple, { minLength: 1, maxLength: 80 }), (triples) => {
      const words = triples.flat();
      const value = new Uint8Array(words.length * 4);
      words.forEach((word, index) => {
        new DataView(value.buffer).setUint32(index * 4, word);
      });
      const texts = new Set(triples.map((one) => one.join(":")));
      const kept = decodeLargeCommunities(value);
      deepEqual(kept.join(":"), [...texts].join(":"));
    }),
  );
  const ascending = Uint8Array.from({ length: 1200 }, (_, index) =>
    index % 12 === 3 ? index / 12 : 0,
  );
  t.equal(decodeLargeCommunities(ascending).length, 300);
});

t.test("RFC 8092 §6 large communities: a length that is no multiple of 12 withdraws", async (t) => {
  for (const length of [0, 1, 11, 13]) {
    const size = length.toString(16).padStart(2, "0");
    const { treatAsWithdraw, reasons } = outcome(`c020 ${size} ${"00".repeat(length)}`);
    t.equal(treatAsWithdraw, true);
    t.same(reasons, ["large-communities-length"]);
  }
});
