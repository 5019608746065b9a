import fc from "fast-check";
import t from "tap";
import { concatBytes, equalBytes } from "../../../src/core/bytes.ts";
import { micros } from "../../../src/core/time.ts";
import { ByteQueue } from "../../../src/platform/virtual/byte-queue.ts";
import { TcpReceiver } from "../../../src/platform/virtual/tcp-receiver.ts";
import { TcpSender } from "../../../src/platform/virtual/tcp-sender.ts";
import { Call, Timeline } from "../../../src/platform/virtual/timeline.ts";

const eventOf = (run: () => void) => new Call(run);

t.test(
  "timeline: any scheduling, moving and cancelling runs in the order of a sorted list",
  async (t) => {
    const order = fc.record({
      event: fc.nat({ max: 15 }),
      deed: fc.constantFrom("schedule", "schedule", "alarm", "cancel", "step"),
      delay: fc.integer({ min: -5, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(order, { maxLength: 120 }), (orders) => {
        const line = new Timeline();
        const ran: number[] = [];
        const events = Array.from({ length: 16 }, (_, index) => eventOf(() => ran.push(index)));
        let model: { index: number; at: number; rank: number; sequence: number }[] = [];
        const wanted: number[] = [];
        let sequence = 0;
        const stepModel = () => {
          model.sort((a, b) => a.at - b.at || a.rank - b.rank || a.sequence - b.sequence);
          const next = model.shift();
          if (next !== undefined) wanted.push(next.index);
          return next;
        };
        for (const { event: index, deed, delay } of orders) {
          const event = events[index];
          if (event === undefined) continue;
          if (deed === "step") {
            const next = stepModel();
            t.equal(line.step(), next !== undefined);
            if (next !== undefined) t.equal(line.now, next.at);
            continue;
          }
          model = model.filter((other) => other.index !== index);
          if (deed === "cancel") {
            line.cancel(event);
            continue;
          }
          const rank = deed === "alarm" ? 1 : 0;
          const at = line.now + delay;
          if (rank === 1) line.scheduleAlarm(event, at);
          else line.schedule(event, at);
          sequence += 1;
          model.push({ index, at: Math.max(at, line.now), rank, sequence });
        }
        t.equal(line.size, model.length);
        while (stepModel() !== undefined) line.step();
        t.equal(line.step(), false);
        return ran.join() === wanted.join();
      }),
      { numRuns: 200 },
    );
  },
);

t.test("timeline: fractions wait for the next whole microsecond, nonsense is a bug", async (t) => {
  const line = new Timeline();
  line.schedule(
    eventOf(() => undefined),
    1.25,
  );
  line.step();
  t.equal(line.now, 2);
  t.throws(
    () =>
      line.schedule(
        eventOf(() => undefined),
        Number.NaN,
      ),
    { name: "InvariantError" },
  );
  line.schedule(
    eventOf(() => undefined),
    5,
  );
  t.throws(() => line.idleUntil(6), { name: "InvariantError" }, "no event is skipped");
  line.idleUntil(4);
  t.equal(line.now, 4);
});

t.test("byte queue: reads like one long array", async (t) => {
  const deed = fc.record({
    what: fc.constantFrom("push", "push", "peek", "peek", "drop", "truncate"),
    size: fc.nat({ max: 40 }),
    share: fc.nat({ max: 100 }),
  });
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 200 }), (deeds) => {
      const queue = new ByteQueue();
      let model: number[] = [];
      let next = 0;
      for (const { what, size, share } of deeds) {
        const part = Math.floor((model.length * share) / 100);
        if (what === "push") {
          const piece = Array.from({ length: size }, (_, index) => (next + index) & 0xff);
          next += size;
          model.push(...piece);
          queue.push(Uint8Array.from(piece));
        } else if (what === "peek") {
          const count = Math.min(size, model.length - part);
          if (
            !equalBytes(queue.peek(part, count), Uint8Array.from(model.slice(part, part + count)))
          ) {
            return false;
          }
        } else if (what === "drop") {
          queue.drop(Math.min(part, size));
          model = model.slice(Math.min(part, size));
        } else if (share < 10) {
          queue.truncate(part);
          model = model.slice(0, part);
        }
        if (queue.length !== model.length) return false;
      }
      return equalBytes(queue.peek(0, model.length), Uint8Array.from(model));
    }),
    { numRuns: 300 },
  );
  t.pass();
});

t.test("byte queue: cutting off its past keeps the place", async (t) => {
  const queue = new ByteQueue();
  for (let index = 0; index < 1_000; index += 1) queue.push(Uint8Array.of(index & 0xff, 1, 2));
  for (let index = 0; index < 900; index += 1) {
    t.equal(queue.peek(297, 1)[0], (index + 99) & 0xff);
    queue.drop(3);
  }
  t.same([...queue.peek(0, 4)], [900 & 0xff, 1, 2, 901 & 0xff]);
});

t.test("receiver: any segments in any order make the stream, within the window", async (t) => {
  const stream = Uint8Array.from({ length: 600 }, (_, index) => (index * 7) & 0xff);
  const segment = fc.record({
    from: fc.nat({ max: 599 }),
    length: fc.nat({ max: 90 }),
    isRead: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 60 }), fc.integer(), (segments, seed) => {
      const first = (seed >>> 0) + 1;
      const receiver = new TcpReceiver(200);
      receiver.begin(first - 1);
      const read: Uint8Array[] = [];
      const everything = Array.from({ length: 20 }, (_, index) => ({
        ...{ from: index * 30, length: 30, isRead: true },
      }));
      for (const { from, length, isRead } of [...segments, ...everything]) {
        const octets = stream.subarray(from, Math.min(from + length, stream.length));
        const hasFin = from + octets.length === stream.length;
        const edge = receiver.next + receiver.windowOctets;
        const isAcceptable = receiver.isAcceptable(first + from, octets.length + (hasFin ? 1 : 0));
        if (isAcceptable) receiver.accept(first + from, octets, hasFin);
        if (receiver.next > edge + 1) return false;
        if (isRead) read.push(receiver.take(64).slice(), receiver.take(1_000).slice());
      }
      return receiver.isFinished && equalBytes(concatBytes(read), stream);
    }),
    { numRuns: 300 },
  );
  t.pass();
});

t.test(
  "sender: windows, the last small segment, FIN, and what comes after a timeout",
  async (t) => {
    const sender = new TcpSender(100, 1_000);
    const at = micros;
    const ack = (number: number, windowOctets: number, now: number) =>
      sender.acknowledge(number, { seq: 1, windowOctets, isPure: true }, at(now));
    sender.sentSyn(at(0));
    sender.begin(100, { seq: 1, windowOctets: 250 }, at(10_000));
    t.equal(sender.timeoutUs, 210_000, "the handshake is the first measure");
    sender.push(new Uint8Array(1_200));
    t.equal(sender.waitingOctets, 200, "beyond the kernel's buffer");
    const taken = () => sender.take(at(20_000))?.octets.length;
    t.same(
      [taken(), taken(), taken()],
      [100, 100, undefined],
      "half a segment waits for more window",
    );
    t.equal(ack(999, 250, 30_000), "beyond");
    t.equal(ack(301, 0, 30_000), "advanced");
    t.equal(taken(), undefined);
    t.equal(sender.isBlocked, true);
    t.equal(ack(301, 60, 40_000), "old");
    t.equal(taken(), 60, "with nothing under way a part goes out");
    sender.timedOut();
    t.same(sender.take(at(50_000))?.seq, 301, "again from the first that is missing");
    t.equal(ack(361, 2_000, 60_000), "advanced");
    sender.queueFin();
    for (let round = 0; round < 30; round += 1) {
      let end = 0;
      for (let out = sender.take(at(70_000)); out !== undefined; out = sender.take(at(70_000))) {
        end = out.seq + out.octets.length + (out.isFin ? 1 : 0);
      }
      if (end === 0) break;
      ack(end, 2_000, 80_000);
    }
    t.equal(sender.isFinAcknowledged, true);
    t.equal(sender.isInFlight, false);
    t.equal(sender.controlSeq, 100 + 1 + 1_200 + 1);
  },
);

t.test(
  "sender: three duplicates send the first again, a partial answer the next (RFC 6582)",
  async (t) => {
    const sender = new TcpSender(0, 100_000);
    const now = micros(0);
    const ack = (number: number) =>
      sender.acknowledge(number, { seq: 1, windowOctets: 50_000, isPure: true }, now);
    sender.sentSyn(now);
    sender.begin(1_000, { seq: 1, windowOctets: 50_000 }, now);
    sender.push(new Uint8Array(30_000));
    let sent = 0;
    while (sender.take(now) !== undefined) sent += 1;
    t.equal(sent, 10, "the initial window (RFC 6928)");
    t.same([ack(1), ack(1), ack(1)], ["old", "old", "lost"]);
    t.match(sender.first(), { seq: 1, isFin: false });
    t.equal(ack(4_001), "lost", "a second hole");
    t.match(sender.first(), { seq: 4_001 });
    t.equal(ack(10_001), "advanced", "recovered");
  },
);
