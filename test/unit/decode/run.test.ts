import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { encodeControlPacket } from "../../../src/bfd/wire/control-packet.ts";
import { encodeKeepalive, encodeMessage } from "../../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { concatBytes, toHex } from "../../../src/core/bytes.ts";
import { decodeJson, decodeText } from "../../support/decode-run.ts";
import { BASE, NLRI, octets, updateBody } from "../../support/wire-octets.ts";

const KEEPALIVE = toHex(encodeKeepalive());
const UPDATE = encodeMessage(2, updateBody({ attributes: BASE, nlri: NLRI }));

t.test("arguments: none are a usage error, unreadable files are not", async (t) => {
  const nothing = await decodeText({ inputs: [], output: "json" });
  t.equal(nothing.exitCode, 2);
  t.match(nothing.stderr, /give a file/);
  const missing = await decodeJson({ inputs: ["/no/such/file"], hex: [KEEPALIVE] });
  t.equal(missing.exitCode, 1);
  t.match(missing.lines, [{ action: "accept" }, { error: /ENOENT/ }]);
  t.same(missing.lines[1]?.place, { source: "/no/such/file" });
});

t.test("hex: several messages in one text, up to the reset", async (t) => {
  const { lines, exitCode } = await decodeJson({
    inputs: [],
    hex: [`${KEEPALIVE} ${toHex(UPDATE)}`, `${"00".repeat(19)}${KEEPALIVE}`, "xyz", "ffff"],
  });
  t.equal(exitCode, 1);
  t.match(lines, [
    { action: "accept", argument: 1, index: 0, message: { type: "KEEPALIVE" } },
    { action: "accept", argument: 1, index: 1, message: { nlri: ["10.20.0.0/24"] } },
    { action: "session_reset", code: 1, subcode: 1, dataHex: "", argument: 2 },
    { error: "not octets in hexadecimal", place: { argument: 3 } },
    { error: "the octets end inside a message", place: { argument: 4 } },
  ]);
  t.equal(lines.length, 5);
});

t.test("text: JSON and hex lines in one stream, each with its place", async (t) => {
  const bfd = encodeControlPacket({
    diag: 0,
    state: "Down",
    poll: false,
    final: false,
    detectMult: 3,
    myDiscriminator: 7,
    yourDiscriminator: 0,
    desiredMinTxIntervalUs: 1_000_000,
    requiredMinRxIntervalUs: 300_000,
    requiredMinEchoRxIntervalUs: 0,
    auth: undefined,
  });
  const text = [
    "# a comment",
    KEEPALIVE,
    "",
    '{"hex":"zz"}',
    "nonsense",
    `{"hex":"${KEEPALIVE}","id":"k"}`,
    "{bad",
    `0x${toHex(bfd)}`,
    `{"hex":"${toHex(bfd)}","kind":"bfd"}`,
    `{"hex":"40010103","encoding":"attributes"}`,
    `{"hex":"0000","encoding":"body"}`,
    `{"hex":"","encoding":"poem"}`,
    `{"hex":"00","session":"both"}`,
    `{"hex":"00","addPath":[1]}`,
    "[1]",
  ].join("\n");
  const halves = [text.slice(0, 40), text.slice(40, 41), text.slice(41)];
  const { lines, exitCode } = await decodeJson({ inputs: ["-"] }, halves);
  t.equal(exitCode, 1);
  t.match(lines, [
    { action: "accept", line: 1 },
    { error: /no member `hex`/, place: { line: 4 } },
    { error: /hexadecimal/, place: { line: 5 } },
    { action: "accept", line: 6, id: "k" },
    { error: /not JSON/, place: { line: 7 } },
    { action: "accept", line: 8, message: { type: "BFD", myDiscriminator: 7 } },
    { action: "accept", line: 9, message: { type: "BFD", state: "Down" } },
    { action: "treat_as_withdraw", line: 10 },
    { error: /messageType/, place: { line: 11 } },
    { error: /encoding/, place: { line: 12 } },
    { error: /session/, place: { line: 13 } },
    { error: /addPath/, place: { line: 14 } },
    { error: /hexadecimal/, place: { line: 15 } },
  ]);
  t.equal(lines.length, 13);
});

t.test("context: told on the record, in its context, or for all; else the mildest", async (t) => {
  const path = "40010100 4002040201 fde9 4003040a000002";
  const old = toHex(encodeMessage(2, updateBody({ attributes: path, nlri: NLRI })));
  const external = `{"hex":"${toHex(UPDATE)}","session":"ebgp","peerAs":1}`;
  const nested = `{"hex":"${toHex(UPDATE)}","context":{"session":"ebgp","peer_as":1,"as4":true}}`;
  const told = await decodeJson({ inputs: ["-"] }, [`${external}\n${nested}\n`]);
  t.match(told.lines, [{ action: "treat_as_withdraw" }, { action: "treat_as_withdraw" }]);
  const forAll = await decodeJson({ inputs: [], hex: [toHex(UPDATE)], peerAs: 1, session: "ebgp" });
  t.match(forAll.lines, [{ action: "treat_as_withdraw", context: { peerAs: 1 } }]);
  const guessed = await decodeJson({ inputs: [], hex: [old] });
  t.match(guessed.lines, [{ action: "accept", context: { as4: false } }]);
  const internal = await decodeJson({
    inputs: [],
    hex: ["40050400000064"],
    encoding: "attributes",
  });
  t.match(internal.lines, [{ action: "accept", context: { session: "ibgp" } }]);
});

t.test("families: prefixes beyond unicast and multicast stay hex", async (t) => {
  const value = `000180 0c ${"00".repeat(8)}0a000001 00 58000010 0000fde800000001 0a00`;
  const length = octets(value).length.toString(16).padStart(2, "0");
  const attributes = `40010100 4002060201 0000b030 800e ${length} ${value}`;
  const hex = toHex(encodeMessage(2, updateBody({ attributes })));
  const { lines } = await decodeJson({ inputs: [], hex: [hex] });
  const [, , reach] = (lines[0]?.message?.attributes ?? []) as Record<string, unknown>[];
  t.match(reach, {
    name: "MP_REACH_NLRI",
    value: {
      afi: 1,
      safi: 128,
      nextHopHex: `${"00".repeat(8)}0a000001`,
      nlriHex: "580000100000fde8000000010a00",
    },
  });
});

/** One TCP segment of an IPv4 packet in an Ethernet frame with a VLAN tag. */
function frame(fields: {
  readonly fromPeer?: boolean;
  readonly sequence: number;
  readonly flags?: number;
  readonly payload?: Uint8Array;
  readonly fragment?: boolean;
}): Uint8Array {
  const { fromPeer = false, sequence, flags = 0x18, payload = octets(""), fragment } = fields;
  const tcp = octets("00b3c000 00000000 00000000 5018ffff 00000000");
  const view = new DataView(tcp.buffer);
  view.setUint16(0, fromPeer ? 179 : 49152);
  view.setUint16(2, fromPeer ? 49152 : 179);
  view.setUint32(4, sequence);
  view.setUint8(13, flags);
  const ip = octets("4500 0000 0000 0000 ff06 0000 0a000001 0a000002");
  new DataView(ip.buffer).setUint16(2, 40 + payload.length);
  if (fragment === true) ip[6] = 0x20;
  if (fromPeer) ip.set([2], 15);
  if (fromPeer) ip.set([1], 19);
  return concatBytes([octets("000000000001 000000000002 8100 0064 0800"), ip, tcp, payload]);
}

/** A capture file of these frames, in the byte order and resolution of the magic. */
function pcap(frames: readonly Uint8Array[], magic = 0xa1b2c3d4, isLittle = true): Uint8Array {
  const words = (...values: number[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(values.length * 4));
    for (const [index, value] of values.entries()) view.setUint32(index * 4, value, isLittle);
    return new Uint8Array(view.buffer);
  };
  const version = isLittle ? words(0x0004_0002) : words(0x0002_0004);
  const records = frames.flatMap((one, index) => [
    words(1_000_000 + index, 5, one.length, one.length),
    one,
  ]);
  return concatBytes([words(magic), version, words(0, 0, 65535, 1), ...records]);
}

const folder = mkdtempSync(join(tmpdir(), "causeway-decode-"));
t.teardown(() => rmSync(folder, { recursive: true }));

async function decodeFile(name: string, content: Uint8Array) {
  const path = join(folder, name);
  writeFileSync(path, content);
  return decodeJson({ inputs: [path] });
}

const open = (as: number, four: boolean): Uint8Array =>
  encodeOpen({
    kind: "open",
    version: 4,
    myAs: as,
    holdTimeSec: 90,
    bgpIdentifier: as,
    capabilities: four ? [{ kind: "four-octet-as", as }] : [],
  });

t.test("capture: segments out of order, repeated, overlapping, one octet long", async (t) => {
  const stream = concatBytes([open(1, true), encodeKeepalive(), UPDATE, UPDATE]);
  const at = (from: number, to: number) => ({
    sequence: (0xffff_fff0 + from) >>> 0,
    payload: stream.subarray(from, to),
  });
  const segments = [
    frame({ sequence: 0xffff_ffef, flags: 0x02 }),
    frame(at(0, 10)),
    frame(at(30, 60)),
    frame(at(60, 61)),
    frame(at(10, 30)),
    frame(at(5, 40)),
    frame(at(61, 110)),
    frame(at(90, stream.length)),
    frame(at(0, 10)),
    frame({ fromPeer: true, sequence: 9, payload: open(45104, true) }),
  ];
  const { lines, exitCode } = await decodeFile("order.pcap", pcap(segments));
  t.equal(exitCode, 0);
  const types = lines.map((line) => `${line.index} ${line.message?.type}`);
  t.same(types.sort(), ["0 OPEN", "0 OPEN", "1 KEEPALIVE", "2 UPDATE", "3 UPDATE"]);
  t.match(lines.at(-1), { frame: 10, from: "10.0.0.2:179", to: "10.0.0.1:49152", stream: 0 });
});

t.test("capture: both byte orders, both resolutions, gzip", async (t) => {
  const frames = [frame({ sequence: 1, payload: encodeKeepalive() })];
  for (const [magic, isLittle, fraction] of [
    [0xa1b2c3d4, true, 5e-6],
    [0xa1b2c3d4, false, 5e-6],
    [0xa1b23c4d, true, 5e-9],
    [0xa1b23c4d, false, 5e-9],
  ] as const) {
    const file = pcap(frames, magic, isLittle);
    for (const content of [file, gzipSync(file)]) {
      const { lines } = await decodeFile("order.cap", content);
      t.match(lines, [{ action: "accept", frame: 1, timeSec: 1_000_000 + fraction }]);
    }
  }
  const damaged = await decodeFile("bad.gz", octets(`1f8b0800${"00".repeat(20)}`));
  t.match(damaged, { exitCode: 1, lines: [{ error: "damaged gzip" }] });
});

t.test("capture: what is missing or cut is said, and the rest is read", async (t) => {
  const stream = concatBytes([UPDATE, UPDATE, UPDATE]);
  const length = UPDATE.length;
  const frames = [
    frame({ sequence: 0, payload: stream.subarray(0, length + 5) }),
    frame({ sequence: length + 15, payload: stream.subarray(length + 15) }),
    frame({ sequence: 3 * length, payload: UPDATE.subarray(0, 30) }),
    frame({ sequence: 900, payload: UPDATE, fragment: true }),
  ];
  const { lines, exitCode } = await decodeFile("gap.pcap", pcap(frames));
  t.equal(exitCode, 1);
  const words = lines.map((line) => line.error ?? line.action);
  t.same(words, [
    "an IPv4 fragment, which is not put together",
    "accept",
    "the capture ends inside a message",
    "10 octets are missing in the capture",
    `${length - 15} octets without a marker`,
    "accept",
    "the capture ends inside a message",
  ]);
  const whole = pcap(frames.slice(0, 1));
  const cut = await decodeFile("cut.pcap", whole.subarray(0, whole.length - 1));
  t.match(cut, { exitCode: 1, lines: [{ error: "the file ends inside frame 1" }] });
});

t.test("capture: any octets are read or refused, never thrown at", async (t) => {
  const file = pcap([frame({ sequence: 1, payload: UPDATE }), frame({ sequence: 2 })]);
  for (let length = 0; length < file.length; length += 7) {
    const { lines } = await decodeFile("any.pcap", file.subarray(0, length));
    t.ok(lines.length > 0 || length === 24, `${length} octets`);
  }
  for (let index = 0; index < file.length; index += 1) {
    const flipped = file.slice();
    flipped[index] = (flipped[index] ?? 0) ^ 0xff;
    await decodeFile("flip.pcap", flipped);
  }
  t.pass("every one");
});

t.test("text output: one record after another, as people read them", async (t) => {
  const { stdout } = await decodeText({ inputs: [], hex: [toHex(UPDATE), "ff"], output: "text" });
  t.equal(
    stdout,
    [
      "--hex argument 1",
      "  UPDATE, 47 octets",
      "    ORIGIN                IGP",
      "    AS_PATH               45104",
      "    NEXT_HOP              10.0.0.2",
      "    nlri                  10.20.0.0/24",
      "  accept",
      "",
      "--hex argument 2",
      "  not read: the octets end inside a message",
      "    octets                ff",
      "",
      "",
    ].join("\n"),
  );
});
