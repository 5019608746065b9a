import fc from "fast-check";
import t from "tap";
import { digestEffects } from "../../../src/platform/effects-digest.ts";
import { fromTaggedJson, toTaggedJson } from "../../../src/platform/tagged-json.ts";

const octets = fc.uint8Array({ maxLength: 40 });
const datum: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    octets,
    fc.uint32Array({ maxLength: 9 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ minLength: 1 }), tie("value"), { maxKeys: 4 }),
  ),
})).value;

t.test("what comes back from a recording has the digest it had", async (t) => {
  fc.assert(
    fc.property(fc.array(datum, { maxLength: 5 }), (effects) => {
      const again = fromTaggedJson(toTaggedJson(effects))?.value as unknown[];
      return digestEffects(again) === digestEffects(effects);
    }),
  );
  t.pass("for every answer");
});

t.test("one flipped bit anywhere is another answer", async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(), (before, at) => {
      const after = before.slice();
      const bit = at % (before.length * 8);
      after[bit >> 3] = (before[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const digest = (of: Uint8Array) => digestEffects([{ kind: "tcp-send", octets: of }]);
      return digest(before) !== digest(after);
    }),
  );
  t.not(digestEffects([]), digestEffects([null]));
  t.not(digestEffects([{ a: 1 }]), digestEffects([{ b: 1 }]));
  t.not(digestEffects([{ a: 1 }, {}]), digestEffects([{}, { a: 1 }]));
  t.not(digestEffects(["ab", "c"]), digestEffects(["a", "bc"]));
  t.equal(digestEffects([{ a: 1, b: undefined }]), digestEffects([{ a: 1 }]), "as in JSON");
  t.equal(digestEffects([{ a: 1, o: Uint8Array.of(1, 2, 3, 4, 5) }]).length, 8);
});
