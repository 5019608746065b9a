/** The parts around an agent that know Node: journal, sd_notify, recording. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { BfdRecordings } from "../../../src/agent/bfd-recordings.ts";
import { prepareStateDirectory, representInput, writeRecording } from "../../../src/agent/crash.ts";
import {
  EventJournal,
  JOURNAL_ENTRIES_MAX,
  JOURNAL_TEXT_MAX,
} from "../../../src/agent/event-journal.ts";
import { buildSpeakerConfig } from "../../../src/agent/speaker-config.ts";
import { Systemd } from "../../../src/agent/systemd.ts";
import type { SpeakerInput } from "../../../src/bgp/speaker/inputs.ts";
import { micros } from "../../../src/core/time.ts";
import { C, check, libc } from "../../../src/platform/linux/sys.ts";
import { Recorder } from "../../../src/platform/recorder.ts";
import { FakeClock } from "../../support/agent-fakes.ts";
import { fakeConfig } from "../../support/agent-view.ts";

const directory = mkdtempSync(join(tmpdir(), "causeway-daemon-"));
t.teardown(() => rmSync(directory, { recursive: true }));

t.test("journal: a ring that counts without gaps and shows what it let go", async (t) => {
  const written: string[] = [];
  const journal = new EventJournal({
    clock: new FakeClock(),
    wallClock: { nowMs: () => 0 },
    log: { write: (entry) => void written.push(entry.event) },
  });
  const heard: number[] = [];
  const subscription = journal.subscribe((entry) => void heard.push(entry.seq));
  for (let index = 0; index < 10; index += 1) journal.emit("info", "bgp.peer.up", { index });
  journal.emit("debug", "bgp.peer.changed", {});
  journal.emit("debug", "fib.synced", { routes: 1, tookUs: 1 });
  t.equal(journal.lastSeq, 11, "debug is written, not kept; but for fib.synced");
  t.equal(written.length, 12);
  subscription.close();
  t.same(
    journal.since(8).map((entry) => entry.seq),
    [9, 10, 11],
  );
  t.same(journal.since(11), []);
  t.same(journal.since(99), []);
  for (let index = 0; index < JOURNAL_ENTRIES_MAX; index += 1)
    journal.emit("info", "fib.error", {});
  const held = journal.since(0);
  t.equal(held.length, JOURNAL_ENTRIES_MAX);
  t.same([held[0]?.seq, held.at(-1)?.seq], [12, 11 + JOURNAL_ENTRIES_MAX]);
  t.same(
    journal.since(11 + JOURNAL_ENTRIES_MAX - 2).map((entry) => entry.seq),
    [...[10 + JOURNAL_ENTRIES_MAX, 11 + JOURNAL_ENTRIES_MAX]],
  );
  t.equal(heard.length, 11);
});

/** A datagram socket on a Unix path, which Node has none of. */
function notifySocket(path: string) {
  const name = Buffer.from(`${path}\0`);
  const address = new Uint8Array(2 + name.length);
  address[0] = C.AF_UNIX;
  address.set(name, 2);
  const fd = check("socket", libc.socket(C.AF_UNIX, C.SOCK_DGRAM, 0));
  check("bind", libc.bind(fd, address, address.length));
  const receive = () => {
    const octets = Buffer.alloc(256);
    const length = libc.recv(fd, octets, octets.length, C.MSG_DONTWAIT);
    return length < 0 ? undefined : octets.toString("utf8", 0, length);
  };
  return { receive, close: () => libc.close(fd) };
}

t.test("journal: long texts go out whole and are held cut", async (t) => {
  const written: unknown[] = [];
  const journal = new EventJournal({
    clock: new FakeClock(),
    wallClock: { nowMs: () => 0 },
    log: { write: (entry) => void written.push(entry.fields.hex) },
  });
  const heard: unknown[] = [];
  journal.subscribe((entry) => void heard.push(entry.fields.hex));
  const hex = "ab".repeat(65_535);
  journal.emit("warn", "bgp.update.malformed", { peer: "vbr1", hex });
  t.same([written, heard], [[hex], [hex]]);
  const [held] = journal.since(0);
  t.match(held?.fields, { peer: "vbr1", hex: `${hex.slice(0, JOURNAL_TEXT_MAX)}…` });
});

t.test("systemd: sd_notify messages arrive, and nobody minds where they cannot", async (t) => {
  const path = join(directory, "notify");
  const socket = notifySocket(path);
  t.teardown(() => socket.close());
  const systemd = new Systemd({ NOTIFY_SOCKET: path, WATCHDOG_USEC: "10000000" });
  systemd.notify("READY=1");
  systemd.notify("STATUS=2/2 peers up");
  t.same(
    [socket.receive(), socket.receive(), socket.receive()],
    [...["READY=1", "STATUS=2/2 peers up", undefined]],
  );
  t.equal(systemd.watchdogMs, 5_000);
  new Systemd({ NOTIFY_SOCKET: join(directory, "nobody") }).notify("READY=1");
  const alone = new Systemd({});
  alone.notify("READY=1");
  t.equal(alone.watchdogMs, undefined);
});

t.test("crash: the recording is written without secrets, or not at all", async (t) => {
  const recorder = new Recorder<SpeakerInput>({
    ...{ machine: "speaker", octetsMax: 1_000, represent: representInput },
    isPinned: (input) => input.kind === "configure",
  });
  const config = buildSpeakerConfig(fakeConfig());
  recorder.observe({ kind: "configure", config }, micros(1));
  recorder.observe({ kind: "stop", text: "bye" }, micros(2));
  const write = (to: string | undefined) => writeRecording(to, "speaker", () => recorder.text());
  t.same(write(undefined), {});
  const below = join(directory, "notify", "below");
  t.match(write(below), { failure: /ENOTDIR/ }, "below a socket");
  t.throws(() => prepareStateDirectory(below), { code: "PLATFORM_STATE_DIRECTORY" });
  const { path } = write(join(directory, "state"));
  const text = readFileSync(path ?? "", "utf8");
  t.notMatch(text, /hunter2/);
  t.match(text, /"importPolicy":"reject-all"/);
  t.equal(text.trim().split("\n").length, 3);
});

t.test("BFD that went Down is recorded with its aftermath, once a minute", async (t) => {
  const clock = new FakeClock();
  const journal = new EventJournal({
    ...{ clock, wallClock: { nowMs: () => 0 } },
    log: { write: () => undefined },
  });
  const written: (string | undefined)[] = [];
  let pieces = ["a\n", "b\n"];
  const recordings = new BfdRecordings({
    ...{ clock, journal },
    view: {
      bfdRecording: (told) => {
        for (const piece of pieces) told(piece, false);
        told("", true);
      },
    },
    write: (text) => ({ path: text }),
    written: ({ path }, session) => void written.push(`${session} ${path}`),
  });
  const down = (session: string) => journal.emit("warn", "bfd.session.down", { session });
  down("c1");
  clock.advance(1_000_000);
  down("c2");
  t.same(written, [], "what follows belongs to it");
  clock.advance(4_000_000);
  t.same(written, ["c1 a\nb\n"]);
  clock.advance(59_000_000);
  down("c1");
  clock.advance(10_000_000);
  t.equal(written.length, 1, "less than a minute later");
  recordings.write();
  t.equal(written[1], "undefined a\nb\n", "but whoever asks gets it");
  down("c1");
  clock.advance(5_000_000);
  t.equal(written.length, 3);
  pieces = [];
  recordings.write();
  t.equal(written.length, 3, "no engine, no file");
  clock.advance(60_000_000);
  down("c1");
  recordings.close();
  clock.advance(60_000_000);
  t.equal(written.length, 3);
});
