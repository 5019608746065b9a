import t from "tap";
import { readCapture } from "../../src/decode/capture/pcap.ts";
import { Netns } from "../../src/platform/linux/netns.ts";
import { PacketTap, type TappedFrame } from "../../src/platform/linux/packet-tap.ts";
import { SysError } from "../../src/platform/linux/sys.ts";
import { captureDevice } from "../../src/sim/evidence/tap-capture.ts";
import { skipWithoutNetns as skip, TwinNetns, until } from "../support/netns.ts";

/** Sends a datagram from a to b, to a port nobody listens on. */
function say(twin: TwinNetns, destination: string, port: number, text: string): void {
  const script = `printf ${text} > /dev/udp/${destination}/${port}`;
  twin.spaces.exec("a", "bash", ["-c", script]);
}

const wordsOf = ({ octets }: Pick<TappedFrame, "octets">): string =>
  Buffer.from(octets).toString("latin1");

t.test("tap: BFD's ports and what is not UDP, both families, both ways", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const netns = new Netns(twin.spaces.nameOf("a"));
  t.teardown(() => netns.close());
  const heard: { words: string; direction: string; timeNs: bigint }[] = [];
  const tap = new PacketTap(netns, { device: "wire", udpPorts: [3784, 4784] }, (frame) => {
    heard.push({ words: wordsOf(frame), direction: frame.direction, timeNs: frame.timeNs });
  });
  const before = BigInt(Date.now() - 1_000) * 1_000_000n;
  say(twin, "10.99.0.2", 3784, "single-hop");
  say(twin, "10.99.0.2", 4784, "multi-hop");
  say(twin, "10.99.0.2", 5000, "a-probe");
  say(twin, "fd99:0::2", 3784, "hop-of-six");
  say(twin, "fd99:0::2", 5000, "probe-of-six");
  const has = (part: string) => heard.find(({ words }) => words.includes(part));
  t.ok(await until(() => has("hop-of-six") !== undefined));
  t.equal(has("single-hop")?.direction, "out");
  t.equal(has("multi-hop")?.direction, "out");
  // What answers a probe quotes it: an ICMP error, which is not UDP.
  const probes = heard.filter(({ words }) => words.includes("probe"));
  t.ok(probes.every(({ direction }) => direction === "in"));
  t.ok(await until(() => heard.some(({ direction }) => direction === "in")));
  const stamps = heard.map(({ timeNs }) => timeNs);
  t.ok(stamps.every((stamp) => stamp > before && stamp < before + 60_000_000_000n));
  tap.close();
});

t.test("tap: of a device that is not there the system's words", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const netns = new Netns(twin.spaces.nameOf("a"));
  t.teardown(() => netns.close());
  const open = () => new PacketTap(netns, { device: "none", udpPorts: [] }, () => undefined);
  t.throws(open, SysError);
});

t.test("tap: a capture is a file that is read back, frame by frame", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const netns = new Netns(twin.spaces.nameOf("a"));
  t.teardown(() => netns.close());
  const capture = captureDevice(netns, { circuit: "circuit-1", device: "wire" });
  say(twin, "10.99.0.2", 3784, "hello");
  t.ok(await until(() => capture.file.count > 0));
  capture.close();
  const frames = [...readCapture(capture.file.octets())];
  t.equal(frames.length, capture.file.count);
  t.ok(frames.some((frame) => "octets" in frame && wordsOf(frame).includes("hello")));
});
