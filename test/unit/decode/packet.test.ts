import t from "tap";
import { isReadLink, packetOf } from "../../../src/decode/capture/packet.ts";
import { readCapture } from "../../../src/decode/capture/pcap.ts";
import { decodeText } from "../../support/decode-run.ts";
import { octets } from "../../support/wire-octets.ts";

const UDP = "0ec8 0ec8 000c 0000 aabbccdd";
const IPV4 = `45000020 00000000 ff110000 0a000001 0a000002 ${UDP}`;
const ADDRESSES6 = `20010db8${"00".repeat(11)}01 20010db8${"00".repeat(11)}02`;
const ipv6 = (next: string, payload: string) => {
  const length = octets(payload).length.toString(16).padStart(4, "0");
  return `60000000 ${length} ${next} fe ${ADDRESSES6} ${payload}`;
};

/** `ttl protocol payload`, or what stood in the way. */
function found(linkType: number, hex: string): string {
  const packet = packetOf(linkType, octets(hex));
  if (!packet.ok) return packet.fault;
  if (packet.value === undefined) return "none";
  const { ttl, protocol, payload, missingOctets } = packet.value;
  return `${ttl} ${protocol} ${payload.length}${missingOctets > 0 ? ` -${missingOctets}` : ""}`;
}

t.test("links: IP is found behind each", async (t) => {
  const macs = "00".repeat(12);
  const links: readonly (readonly [number, string])[] = [
    [1, `${macs} 0800`],
    [1, `${macs} 8100 0064 0800`],
    [1, `${macs} 88a8 0064 8100 0065 0800`],
    [1, `${macs} 8847 000100ff 000111ff`],
    [0, "02000000"],
    [0, "00000002"],
    [108, "00000002"],
    [9, "ff03 0021"],
    [9, "0021"],
    [12, ""],
    [101, ""],
    [228, ""],
    [104, "0f00 0800"],
    [107, "1861 0800"],
    [107, "1861 03cc"],
    [113, `${"00".repeat(14)} 0800`],
    [276, `0800 ${"00".repeat(18)}`],
  ];
  for (const [linkType, header] of links) {
    t.equal(found(linkType, `${header} ${IPV4}`), "255 17 12", `link ${linkType}: ${header}`);
    t.ok(isReadLink(linkType));
  }
  t.equal(found(1, `${macs} 0806 ${IPV4}`), "none", "ARP");
  t.equal(found(147, IPV4), "link type 147 is not read");
  t.notOk(isReadLink(147));
});

t.test("IPv4: padding, snapped packets, fragments, damage", async (t) => {
  t.equal(found(101, `${IPV4} ${"00".repeat(6)}`), "255 17 12", "padding is no payload");
  t.equal(found(101, IPV4.slice(0, -4)), "255 17 10 -2", "what the capture lacks is counted");
  t.match(found(101, IPV4.replace("00000000 ff11", "00002000 ff11")), /fragment/);
  t.match(found(101, IPV4.replace("00000000 ff11", "00000010 ff11")), /fragment/);
  t.equal(found(101, IPV4.replace("00000000 ff11", "00004000 ff11")), "255 17 12", "DF is none");
  t.match(found(101, "4500"), /cut short/);
  t.match(found(101, IPV4.replace("4500", "4400")), /cut short/);
  t.match(found(101, IPV4.replace("45000020", "45000010")), /shorter than its header/);
  t.match(found(101, "75"), /IP version 7/);
});

t.test("IPv6: extension headers are stepped over", async (t) => {
  t.equal(found(229, ipv6("11", UDP)), "254 17 12");
  t.equal(found(229, ipv6("00", `11000000 00000000 ${UDP}`)), "254 17 12");
  t.equal(found(229, ipv6("3c", `2b000000 00000000 11000000 00000000 ${UDP}`)), "254 17 12");
  t.equal(found(229, ipv6("33", `1101 0000 ${"00".repeat(8)} ${UDP}`)), "254 17 12");
  t.equal(found(229, ipv6("2c", `11000000 00000000 ${UDP}`)), "254 17 12", "an atomic fragment");
  t.match(found(229, ipv6("2c", `11000001 00000000 ${UDP}`)), /fragment/);
  t.match(found(229, ipv6("00", "11ff0000 00000000")), /cut short/);
  t.equal(found(229, ipv6("3a", UDP)), "none");
});

/** A little-endian block of a pcapng file. */
function block(type: number, body: string): string {
  const padded = octets(body);
  const length = 12 + Math.ceil(padded.length / 4) * 4;
  const word = (value: number) =>
    [value, value >> 8, value >> 16, value >> 24]
      .map((octet) => (octet & 0xff).toString(16).padStart(2, "0"))
      .join("");
  const hex = body.replace(/\s/g, "").padEnd((length - 12) * 2, "0");
  return `${word(type)}${word(length)}${hex}${word(length)}`;
}

const SECTION = block(0x0a0d_0d0a, "4d3c2b1a 01000000 ffffffff ffffffff");

function read(hex: string): string[] {
  return [...readCapture(octets(hex))].map((item) =>
    "error" in item
      ? item.error
      : `${item.number} ${item.linkType} ${item.octets.length}/${item.originalOctets} ${item.timeSec}`,
  );
}

t.test("pcapng: packet blocks old and new, resolutions, unknown blocks", async (t) => {
  const device = block(1, "0100 0000 ffff0000");
  const nanoseconds = block(1, "6500 0000 00000000 09000100 09000000 00000000");
  const binary = block(1, "6500 0000 00000000 09000100 8a000000 00000000");
  const enhanced = (index: string, time: string) =>
    block(6, `${index} ${time} 03000000 09000000 aabbcc`);
  t.same(
    read(
      SECTION +
        device +
        nanoseconds +
        binary +
        block(0x0bad, "00") +
        enhanced("00000000", "00000000 40420f00") +
        enhanced("01000000", "00000000 00ca9a3b") +
        enhanced("02000000", "00000000 00040000") +
        block(3, "03000000 aabbcc") +
        block(2, "0100 0000 00000000 00ca9a3b 02000000 02000000 aabb"),
    ),
    ["1 1 3/9 1", "2 101 3/9 1", "3 101 3/9 1", "4 1 3/3 0", "5 101 2/2 1"],
  );
});

t.test("pcapng: what does not fit its block is said", async (t) => {
  const device = block(1, "0100 0000 00000000");
  t.match(read(SECTION + block(6, `00 ${"00".repeat(19)}`)), [/undescribed interface/]);
  t.match(read(SECTION + device + block(6, "00000000")), [/cut short/]);
  t.match(read(SECTION + device + block(6, `${"00".repeat(12)} 09000000 09000000`)), [/leaves/]);
  t.match(read(`${SECTION}06000000 05000000 00000000`), [/block of 5 octets/]);
  t.match(read(`${SECTION}06000000 00010000 00000000`), [/ends inside a block/]);
  t.match(read(`${SECTION}0600`), [/ends inside a block/]);
});

t.test("text output: OPEN, malformed attributes, resets and BFD", async (t) => {
  const marker = "ff".repeat(16);
  const { stdout } = await decodeText({
    inputs: [],
    hex: [
      `${marker} 0026 01 04 b030 005a 0a000002 09 0207 0200 0900 4b0101`,
      `${marker} 0036 02 0000 001b 40010103 4002060201 0000b030 4003040a000002 e06304 00112233 180a1400`,
      `${marker} 0014 04 00`,
      "20c80318 00000001 00000002 000f4240 000f4240 00000000",
    ],
    output: "text",
  });
  t.match(stdout, /capability {12}BGP Role \(malformed\)/);
  t.match(stdout, /ORIGIN {16}03 {2}\[well-known transitive\] {2}\(malformed: value\)/);
  t.match(stdout, /attribute 99 {10}00112233 {2}\[optional transitive partial\]/);
  t.match(stdout, / {2}treat-as-withdraw: attribute 1: ORIGIN 3/);
  t.match(stdout, /NOTIFICATION 1\/2 \(Message Header Error\/Bad Message Length\), data 0014/);
  t.match(stdout, /state {17}Up, diag 0 No Diagnostic/);
  t.match(stdout, /flags {17}controlPlaneIndependent/);
});
