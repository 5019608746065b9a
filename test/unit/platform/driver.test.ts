import t from "tap";
import type { Machine } from "../../../src/core/machine.ts";
import { after, type Micros } from "../../../src/core/time.ts";
import { Driver } from "../../../src/platform/driver.ts";
import { World } from "../../../src/platform/virtual/world.ts";

/** Echoes inputs; `wait` arms its one deadline a second ahead. */
class Echo implements Machine<string, string> {
  #due: Micros | undefined;
  depth = 0;

  handle(input: string, now: Micros, out: string[]): void {
    this.depth += 1;
    if (input === "wait") this.#due = after(now, 1_000_000);
    else out.push(`${input}1`, `${input}2`);
    this.depth -= 1;
  }

  expire(now: Micros, out: string[]): void {
    this.#due = undefined;
    out.push(`expired ${now}`);
  }

  nextDeadline(): Micros | undefined {
    return this.#due;
  }
}

function driven(perform?: (effect: string, deliver: (input: string) => void) => void) {
  const world = new World({ seed: 1 });
  const { clock } = world.addHost("a");
  const machine = new Echo();
  const done: string[] = [];
  const seen: string[] = [];
  const driver: Driver<string, string> = new Driver<string, string>(
    machine,
    clock,
    (effect) => {
      done.push(effect);
      t.equal(machine.depth, 0, "the machine is never entered twice");
      perform?.(effect, (input) => driver.deliver(input));
    },
    { observe: (input, at) => void seen.push(`${input} ${at}`) },
  );
  return { world, driver, done, seen };
}

t.test("an input raised by an effect waits until all effects are performed", async (t) => {
  const { driver, done, seen } = driven((effect, deliver) => {
    if (effect === "a1") deliver("b");
    if (effect === "a2") deliver("c");
  });
  driver.deliver("a");
  t.same(done, ["a1", "a2", "b1", "b2", "c1", "c2"]);
  t.same(seen, ["a 0", "b 0", "c 0"]);
});

t.test("the alarm follows the deadline of the machine", async (t) => {
  const { world, driver, done, seen } = driven();
  driver.deliver("wait");
  world.at(500_000, () => driver.deliver("wait"));
  world.run({ untilUs: 5_000_000 });
  t.same(done, ["expired 1500000"], "re-armed, it rings once, at the later instant");
  t.same(seen, ["wait 0", "wait 500000", "alarm 1500000"]);
});

t.test("a stopped driver delivers nothing and rings no more", async (t) => {
  const { world, driver, done } = driven((effect, deliver) => {
    if (effect !== "a1") return;
    deliver("b");
    driver.stop();
  });
  driver.deliver("wait");
  driver.deliver("a");
  driver.deliver("c");
  world.run({ untilUs: 5_000_000 });
  t.same(done, ["a1", "a2"], "effects of the input at hand are still performed");
});

t.test("an effect that throws leaves the driver usable", async (t) => {
  let isBroken = true;
  const { world, driver, done } = driven(() => {
    if (isBroken) throw new Error("broken");
  });
  t.throws(() => driver.deliver("a"), { message: "broken" });
  isBroken = false;
  driver.deliver("b");
  world.run({ untilUs: 1 });
  t.same(done, ["a1", "b1", "b2"]);
});
