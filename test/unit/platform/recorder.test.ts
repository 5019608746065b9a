import fc from "fast-check";
import t from "tap";
import type { Machine } from "../../../src/core/machine.ts";
import { after, type Micros, micros } from "../../../src/core/time.ts";
import { Driver } from "../../../src/platform/driver.ts";
import { Recorder } from "../../../src/platform/recorder.ts";
import { formatEffects, parseRecording, replay } from "../../../src/platform/replay.ts";
import { fromTaggedJson, toTaggedJson } from "../../../src/platform/tagged-json.ts";
import { World } from "../../../src/platform/virtual/world.ts";

type Input = { readonly kind: "add"; readonly octets: Uint8Array; readonly note?: string };
type Effect = { readonly kind: "sum"; readonly sum: number; readonly octets: Uint8Array };

/** Adds octets up; says the sum a second after the first input since the last time. */
class Adder implements Machine<Input, Effect> {
  #sum: number;
  #due: Micros | undefined;

  constructor(sum = 0) {
    this.#sum = sum;
  }

  handle(input: Input, now: Micros, out: Effect[]): void {
    for (const octet of input.octets) this.#sum += octet;
    this.#due ??= after(now, 1_000_000);
    if (input.note !== undefined) this.#say(out);
  }

  expire(_now: Micros, out: Effect[]): void {
    this.#due = undefined;
    this.#say(out);
  }

  nextDeadline(): Micros | undefined {
    return this.#due;
  }

  #say(out: Effect[]): void {
    out.push({ kind: "sum", sum: this.#sum, octets: Uint8Array.of(this.#sum & 0xff) });
  }
}

t.test("a driven machine is repeated from its recording", async (t) => {
  const world = new World({ seed: 1 });
  const { clock } = world.addHost("a");
  const live: string[] = [];
  const recorder = new Recorder<Input>({ machine: "adder", octetsMax: 1 << 20 });
  const driver = new Driver<Input, Effect>(
    new Adder(),
    clock,
    (effect) => live.push(toTaggedJson(effect)),
    recorder,
  );
  const buffer = new Uint8Array(3);
  for (let round = 1; round <= 20; round += 1) {
    world.at(round * 300_000, () => {
      buffer.fill(round);
      driver.deliver({ kind: "add", octets: buffer, ...(round % 7 === 0 ? { note: "now" } : {}) });
      buffer.fill(255);
    });
  }
  world.run({ untilUs: 20_000_000 });

  const parsed = parseRecording<Input>(recorder.text());
  if (!parsed.ok) throw new Error(parsed.fault.text);
  t.equal(parsed.value.machine, "adder");
  t.equal(parsed.value.droppedCount, 0);
  t.equal(parsed.value.inputs.length, recorder.count);
  const steps = replay(new Adder(), parsed.value);
  const again = steps.flatMap(({ effects }) => effects.map((effect) => toTaggedJson(effect)));
  t.ok(live.length > 5, "it said something");
  t.same(again, live, "the same effects in the same order");
  t.match(formatEffects(steps).split("\n")[0], /^\{"at":300000,"effects":\[\]\}$/);
});

t.test("memory is bounded: the oldest inputs go, pinned ones stay", async (t) => {
  const recorder = new Recorder<Input>({
    machine: "adder",
    octetsMax: 10_000,
    isPinned: (input) => input.note === "config",
    represent: ({ kind, octets }) => ({ kind, octets, size: octets.length }),
  });
  recorder.observe({ kind: "add", octets: Uint8Array.of(1), note: "config" }, micros(0));
  for (let at = 1; at <= 5_000; at += 1) {
    recorder.observe({ kind: "add", octets: new Uint8Array(100).fill(at) }, micros(at));
  }
  t.ok(recorder.count < 50 && recorder.count > 20, `${recorder.count} inputs are kept`);
  t.equal(recorder.droppedCount, 5_001 - recorder.count);
  const [head, first, second] = recorder.text().split("\n");
  t.equal(head, `{"recording":"adder","version":1,"dropped":${recorder.droppedCount}}`);
  t.equal(first, '{"at":0,"input":{"kind":"add","octets":{"$hex":"01"},"size":1}}');
  t.match(second, new RegExp(`"at":${5_002 - recorder.count},`), "then the last ones, in order");
});

t.test("with checkpoints a recording is replayed however much went before", async (t) => {
  let sum = 0;
  const recorder = new Recorder<Input>({
    ...{ machine: "adder", octetsMax: 10_000, checkpoint: () => ({ sum }) },
  });
  const live = new Adder();
  const answer = (machine: Adder, input: Input | "alarm", at: Micros): Effect[] => {
    const out: Effect[] = [];
    if (input === "alarm") machine.expire(at, out);
    else machine.handle(input, at, out);
    return out;
  };
  for (let at = 1; at <= 1_000; at += 1) {
    const input = at % 9 === 0 ? "alarm" : ({ kind: "add", octets: Uint8Array.of(at) } as const);
    recorder.observe(input, micros(at));
    const out = answer(live, input, micros(at));
    recorder.answered(out);
    if (input !== "alarm") sum += at & 0xff;
  }
  t.ok(recorder.count >= 30 && recorder.count <= 64, `${recorder.count}: half of the room is full`);
  t.equal(recorder.droppedCount, 1_000 - recorder.count);
  const parsed = parseRecording<Input>(recorder.text());
  if (!parsed.ok) throw new Error(parsed.fault.text);
  const { inputs, checkpoint } = parsed.value;
  const resumed = new Adder((checkpoint as { sum: number }).sum);
  t.equal(inputs[0]?.at, 1_001 - inputs.length, "it begins where the checkpoint was taken");
  const digests = replay(resumed, parsed.value).map(({ digest }) => digest);
  t.same(
    digests,
    inputs.map(({ effects }) => effects),
  );
});

t.test("a recording that is none is refused with its line", async (t) => {
  const faultOf = (text: string) => {
    const parsed = parseRecording(text);
    return parsed.ok ? undefined : parsed.fault;
  };
  const head = '{"recording":"adder","version":1,"dropped":0}';
  t.equal(faultOf("")?.line, 1);
  t.equal(faultOf("[]")?.line, 1);
  t.equal(faultOf('{"recording":"adder","version":2}')?.line, 1);
  t.equal(faultOf(`${head}\nnot json`)?.line, 2);
  t.equal(faultOf(`${head}\n{"at":"soon","input":{}}`)?.line, 2);
  t.equal(faultOf(`${head}\n{"at":1,"input":{"octets":{"$hex":"0"}}}`)?.line, 2);
  t.match(faultOf(`${head}\n\n{"at":1,"input":{"p":{"$opaque":"Policy"}}}`), { line: 3 });
});

t.test("tagged JSON brings every plain value back", async (t) => {
  const leaf = fc.oneof(
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.uint8Array({ maxLength: 20 }),
    fc.uint32Array({ maxLength: 5 }),
    fc.uint16Array({ maxLength: 5 }),
  );
  const key = fc.oneof(fc.string(), fc.constantFrom("$hex", "$map", "at", "$"));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      fc.array(fc.oneof(tie("value"), fc.constant(undefined)), { maxLength: 4 }),
      fc
        .array(
          fc.tuple(
            key.filter((name) => name !== "__proto__"),
            tie("value"),
          ),
          { maxLength: 4 },
        )
        .map((entries) => Object.fromEntries(entries)),
      fc.array(fc.tuple(fc.integer(), tie("value")), { maxLength: 3 }).map((all) => new Map(all)),
      fc.array(fc.string(), { maxLength: 3 }).map((all) => new Set(all)),
    ),
  }));
  fc.assert(
    fc.property(value, (plain) => {
      const back = fromTaggedJson(toTaggedJson(plain));
      t.strictSame(back?.value, plain);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      fromTaggedJson(text);
    }),
  );
  t.equal(toTaggedJson({ f: () => 1, d: new World({ seed: 1 }) }), OPAQUE_TEXT);
});

const OPAQUE_TEXT = '{"f":{"$opaque":"function"},"d":{"$opaque":"World"}}';
