/** Frames of virtual packets, taken apart by code that did not make them. */
import { createHash } from "node:crypto";
import t from "tap";
import { ip } from "../../../../src/platform/virtual/ip.ts";
import { type Packet, type PacketBody, TcpFlag } from "../../../../src/platform/virtual/packet.ts";
import { frameOf } from "../../../../src/sim/evidence/frame.ts";

const ENDS = { from: "edge", to: "vbr-1", vlanId: 0 };
const DATA = Uint8Array.of(1, 2, 3, 4, 5);

const packet = (body: PacketBody, source: string, destination: string): Packet => ({
  ...{ id: 0x1_2345, source: ip(source), destination: ip(destination), ttl: 255, tos: 0xc0 },
  ...{ lengthOctets: 84, body },
});

const udp = (octets: Uint8Array): PacketBody => ({
  ...{ kind: "udp", sourcePort: 49_152, destinationPort: 3784, octets },
});

const tcp = (change: object): PacketBody => ({
  ...{ kind: "tcp", sourcePort: 50_000, destinationPort: 179, seq: 2 ** 32 + 7, ack: 2 ** 33 + 9 },
  ...{ flags: TcpFlag.Ack, windowOctets: 256_000, octets: DATA, mss: 0, md5Key: undefined },
  ...change,
});

const view = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset, octets.length);

/** One's complement sum of RFC 1071; all ones where a checksum inside is right. */
function sumOf(...parts: readonly (readonly number[] | Uint8Array)[]): number {
  const octets = parts.flatMap((part) => [...part]);
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) {
    sum += (octets[at] ?? 0) * 256 + (octets[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum % 65_536) + Math.floor(sum / 65_536);
  return sum;
}

function ipv4Of(frame: Uint8Array | undefined, at = 14) {
  if (frame === undefined) throw new Error("no frame");
  const header = frame.subarray(at, at + 20);
  const body = frame.subarray(at + 20);
  const pseudo = [...header.subarray(12, 20), 0, header[9] ?? 0, body.length >> 8, body.length];
  return { header, body, pseudo: pseudo.map((octet) => octet & 0xff) };
}

t.test("UDP over IPv4: every field and both checksums", async (t) => {
  const frame = frameOf(packet(udp(DATA), "10.0.1.2", "10.0.1.1"), ENDS);
  const { header, body, pseudo } = ipv4Of(frame);
  t.equal(view(frame ?? DATA).getUint16(12), 0x0800);
  t.equal((frame?.[0] ?? 1) & 3, 2, "a locally administered unicast address");
  t.equal(header[0], 0x45);
  t.equal(header[1], 0xc0);
  t.equal(view(header).getUint16(2), 20 + body.length);
  t.equal(view(header).getUint16(4), 0x2345, "the identification has 16 bits");
  t.equal(header[8], 255);
  t.equal(sumOf(header), 0xffff);
  t.equal(view(body).getUint16(0), 49_152);
  t.equal(view(body).getUint16(2), 3784);
  t.equal(view(body).getUint16(4), 8 + DATA.length);
  t.equal(sumOf(pseudo, body), 0xffff, "an odd length is padded for the sum alone");
  t.same(body.subarray(8), DATA);
});

t.test("RFC 768: a UDP checksum of 0 is sent as all ones", async (t) => {
  const bare = ipv4Of(frameOf(packet(udp(Uint8Array.of(0, 0)), "10.0.1.2", "10.0.1.1"), ENDS));
  const missing = view(bare.body).getUint16(6);
  const filled = Uint8Array.of(missing >> 8, missing & 0xff);
  const { body } = ipv4Of(frameOf(packet(udp(filled), "10.0.1.2", "10.0.1.1"), ENDS));
  t.equal(view(body).getUint16(6), 0xffff);
});

t.test("a VLAN tag stands before the EtherType", async (t) => {
  const frame = frameOf(packet(udp(DATA), "10.0.1.2", "10.0.1.1"), { ...ENDS, vlanId: 100 });
  t.same([...(frame ?? DATA).subarray(12, 18)], [0x81, 0, 0, 100, 0x08, 0]);
  t.equal(sumOf(ipv4Of(frame, 18).header), 0xffff);
});

t.test("TCP: sequence numbers wrap, data is pushed, a window is scaled", async (t) => {
  const { body, pseudo } = ipv4Of(frameOf(packet(tcp({}), "10.0.1.2", "10.0.1.1"), ENDS));
  t.equal(view(body).getUint32(4), 7);
  t.equal(view(body).getUint32(8), 9);
  t.equal(body[12], 5 << 4);
  t.equal(body[13], 0x18);
  t.equal(view(body).getUint16(14), 2000, "256000 / 128");
  t.equal(sumOf(pseudo, body), 0xffff);
  const syn = tcp({ flags: TcpFlag.Syn, octets: new Uint8Array(0), mss: 1460 });
  const opened = ipv4Of(frameOf(packet(syn, "10.0.1.2", "10.0.1.1"), ENDS));
  t.equal(view(opened.body).getUint32(8), 0, "there is nothing to acknowledge yet");
  t.equal(view(opened.body).getUint16(14), 0xffff, "never scaled in a SYN");
  t.same([...opened.body.subarray(20)], [2, 4, 1460 >> 8, 1460 & 0xff, 1, 3, 3, 7]);
});

t.test("RFC 2385 §2.0: the digest is over pseudo-header, header, data and key", async (t) => {
  const signed = frameOf(packet(tcp({ md5Key: "secret" }), "10.0.1.2", "10.0.1.1"), ENDS);
  const { body, pseudo } = ipv4Of(signed);
  t.equal(body[12], 10 << 4);
  t.same([...body.subarray(20, 24)], [1, 1, 19, 18]);
  const header = body.slice(0, 20);
  header.fill(0, 16, 18);
  const digest = createHash("md5").update(Uint8Array.from(pseudo)).update(header);
  digest.update(DATA).update("secret");
  t.equal(Buffer.from(body.subarray(24, 40)).toString("hex"), digest.digest("hex"));
  t.equal(sumOf(pseudo, body), 0xffff);
});

t.test("IPv6: the pseudo-header has the addresses and a 32-bit length", async (t) => {
  const frame = frameOf(packet(udp(DATA), "2001:db8::2", "2001:db8::1"), ENDS) ?? DATA;
  t.equal(view(frame).getUint16(12), 0x86dd);
  const header = frame.subarray(14, 54);
  const body = frame.subarray(54);
  t.equal(view(header).getUint32(0), 0x6c00_0000, "version and traffic class");
  t.equal(view(header).getUint16(4), body.length);
  t.same([header[6], header[7]], [17, 255]);
  const pseudo = [...header.subarray(8, 40), 0, 0, 0, body.length, 0, 0, 0, 17];
  t.equal(sumOf(pseudo, body), 0xffff);
});

t.test("ICMP: an echo is a frame, an error is none", async (t) => {
  const icmp = (type: "echo-request" | "echo-reply" | "time-exceeded"): PacketBody => ({
    ...{ kind: "icmp", type, identifier: 7, sequence: 3, about: undefined, mtu: 0 },
  });
  const { header, body } = ipv4Of(
    frameOf(packet(icmp("echo-request"), "10.0.1.2", "10.0.1.1"), ENDS),
  );
  t.equal(header[9], 1);
  t.same([...body.subarray(0, 2), ...body.subarray(4, 8)], [8, 0, 0, 7, 0, 3]);
  t.equal(view(header).getUint16(2), 84, "as long as the simulation says");
  t.equal(sumOf(body), 0xffff);
  const reply = ipv4Of(frameOf(packet(icmp("echo-reply"), "10.0.1.2", "10.0.1.1"), ENDS));
  t.equal(reply.body[0], 0);
  t.equal(frameOf(packet(icmp("time-exceeded"), "10.0.1.2", "10.0.1.1"), ENDS), undefined);
});
