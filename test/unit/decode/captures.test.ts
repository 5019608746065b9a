import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type DecodedLine, decodeJson, sharedData } from "../../support/decode-run.ts";

/* biome-ignore lint/suspicious/noExplicitAny: facts of another decoder, read as they come */
type Loose = any;

/** What is expected of a message or packet, and what we made of it, in the same words. */
interface Pair {
  readonly ours: unknown;
  readonly theirs: unknown;
}

const snakePrefix = (prefix: Loose) =>
  typeof prefix === "string" ? prefix : { path_id: prefix.pathId, prefix: prefix.prefix };

const mpValue = (value: Loose) => ({
  afi: value.afi,
  safi: value.safi,
  ...(value.nextHop === undefined ? {} : { next_hop: value.nextHop }),
  ...(value.nextHopHex === undefined ? {} : { next_hop: { hex: value.nextHopHex } }),
  ...(value.nlri === undefined ? {} : { nlri: value.nlri.map(snakePrefix) }),
  ...(value.nlriHex === undefined ? {} : { nlri_hex: value.nlriHex }),
  ...(value.withdrawn === undefined ? {} : { withdrawn: value.withdrawn.map(snakePrefix) }),
  ...(value.withdrawnHex === undefined ? {} : { withdrawn_hex: value.withdrawnHex }),
});

function attributeValue(attribute: Loose): unknown {
  const { type, value, hex } = attribute;
  if (value === undefined) return { hex };
  if (type === 2 || type === 17) {
    return value.map((segment: Loose) => ({ type: segment.type, asns: segment.ases }));
  }
  if (type === 7 || type === 18) return { asn: value.as, address: value.address };
  return type === 14 || type === 15 ? mpValue(value) : value;
}

/** Our message in the words of the expectation, as far as that one says anything. */
function inTheirWords(facts: Loose, message: Loose): Loose {
  const common = { length: message.lengthOctets, type: message.type };
  switch (facts.type) {
    case "OPEN":
      return {
        ...common,
        version: message.version,
        my_as: message.myAs,
        hold_time: message.holdTimeSec,
        bgp_id: message.bgpIdentifier,
        capabilities: message.capabilities.map((one: Loose) => ({ code: one.code, hex: one.hex })),
      };
    case "UPDATE":
      return facts.nlri === undefined
        ? common
        : {
            ...common,
            withdrawn: message.withdrawn.map(snakePrefix),
            attributes: message.attributes.map((one: Loose, index: number) => ({
              type: one.type,
              flags: one.flags,
              length: one.lengthOctets,
              // Where both widths of AS parse, the expectation leaves the path undecoded.
              ...(facts.attributes[index]?.value === undefined
                ? {}
                : { value: attributeValue(one) }),
            })),
            nlri: message.nlri.map(snakePrefix),
          };
    case "NOTIFICATION":
      return {
        ...common,
        code: message.code,
        subcode: message.subcode,
        data_hex: message.dataHex,
      };
    case "ROUTE-REFRESH":
      return { ...common, afi: message.afi, safi: message.safi, subtype: message.subtype };
    default:
      return common;
  }
}

function bgpPair({ facts }: Loose, line: DecodedLine): Pair {
  const theirs = {
    ...facts,
    ...(facts.attributes === undefined
      ? {}
      : { attributes: facts.attributes.map(({ name: _, malformed: __, ...rest }: Loose) => rest) }),
    ...(facts.capabilities === undefined
      ? {}
      : {
          capabilities: facts.capabilities.map((one: Loose) => ({ code: one.code, hex: one.hex })),
        }),
  };
  const { orf_hex: _, ...comparable } = theirs;
  return { ours: inTheirWords(facts, line.message), theirs: comparable };
}

const BFD_WORDS: Readonly<Record<string, string>> = {
  version: "version",
  diag: "diag",
  state: "stateCode",
  poll: "poll",
  final: "final",
  control_plane_independent: "controlPlaneIndependent",
  auth_present: "authPresent",
  demand: "demand",
  multipoint: "multipoint",
  detect_mult: "detectMult",
  length: "length",
  my_discriminator: "myDiscriminator",
  your_discriminator: "yourDiscriminator",
  desired_min_tx_us: "desiredMinTxIntervalUs",
  required_min_rx_us: "requiredMinRxIntervalUs",
  required_min_echo_rx_us: "requiredMinEchoRxIntervalUs",
  auth_type: "authType",
  auth_key_id: "authKeyId",
  auth_sequence: "authSequence",
  auth_digest_hex: "authDigestHex",
  auth_password_hex: "authPasswordHex",
};

function bfdPair(expected: Loose, line: DecodedLine): Pair {
  const names = Object.keys(BFD_WORDS).filter((name) => name in expected.facts);
  const ours = names.map((name) => line.message?.[BFD_WORDS[name] ?? ""]);
  const theirs = names.map((name) => expected.facts[name]);
  const isDiscard = expected.discard_reason !== null;
  return {
    ours: [line.ttl, line.frame, line.action === "discard", ...ours],
    theirs: [expected.ttl, expected.frame, isDiscard, ...theirs],
  };
}

const bracketed = (address: string, port: number): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

const keyOf = (expected: Loose): string =>
  expected.proto === "bgp"
    ? `${expected.stream} ${expected.from} ${expected.to}`
    : `bfd ${bracketed(expected.src, expected.sport)} ${bracketed(expected.dst, expected.dport)}`;

function keyOfLine(line: DecodedLine): string {
  const { stream, from, to } = (line.place ?? line) as Loose;
  return `${stream ?? "bfd"} ${from} ${to}`;
}

/** The other decoder reads a placeholder here where octets are missing in the capture. */
const isPlaceholder = (expected: Loose): boolean =>
  Buffer.from(expected.hex, "hex").toString("latin1").includes("bytes missing in capture file");

const EXCEPTIONS: Readonly<Record<string, string>> = {
  "bgp-rs/BGP_AS_set.cap 3 10.0.0.9:15247 10.0.0.10:179 #2":
    "RFC 9774 §3: a path with an AS_SET is treated as withdrawn",
};
/** The other decoder stops where octets are missing; we read on, as tshark does. */
const READS_ON = "PcapPlusPlus/BgpPackets.pcap 1 30.3.30.3:20576 30.3.30.30:179";

function compare(t: Test, file: string, expected: readonly Loose[], lines: DecodedLine[]) {
  const groups = new Map<string, Loose[]>();
  for (const one of expected) {
    const key = keyOf(one);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  let compared = 0;
  for (const [key, theirs] of groups) {
    const isMissing = (line: DecodedLine) => /octets are missing/.test(line.error ?? "");
    const ours = lines.filter((line) => keyOfLine(line) === key && !isMissing(line));
    const wanted = theirs.filter((one) => !isPlaceholder(one));
    const extra = `${file} ${key}` === READS_ON ? 2 : 0;
    t.equal(ours.length, wanted.length + extra, `${file} ${key}: messages and pieces`);
    for (const [index, one] of wanted.entries()) {
      const line = ours[index];
      const where = `${file} ${key} #${index}`;
      if (line === undefined) continue;
      compared += 1;
      if (one.proto === "bfd") {
        const pair = bfdPair(one, line);
        t.same(pair.ours, pair.theirs, where);
      } else if (one.what !== "message") {
        t.same([line.hex, typeof line.error], [one.hex, "string"], `${where}: ${one.what}`);
      } else {
        const pair = bgpPair(one, line);
        t.same(pair.ours, pair.theirs, where);
        const isAccepted = line.action === "accept" || line.action === "attribute_discard";
        const isExcepted = EXCEPTIONS[where] !== undefined;
        t.equal(isAccepted, one.problems === undefined && !isExcepted, `${where}: ${line.why}`);
      }
    }
  }
  return compared;
}

const folder = sharedData("captures") ?? "";
/** Said loudly: without the data this file proves little. */
const skip = folder === "" && "there is no ../shared/data/captures beside the project";

t.test("captures: messages, framing and facts agree with another decoder", { skip }, async (t) => {
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /cap(ng)?$/.test(name))
    .sort();
  t.equal(files.length, 45);
  let compared = 0;
  for (const file of files) {
    const path = join(folder, file);
    const { lines } = await decodeJson({ inputs: [path] });
    const expectation = `${path}.expect.jsonl`;
    const text = existsSync(expectation) ? readFileSync(expectation, "utf8").trim() : "";
    const expected = text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
    compared += compare(t, file, expected, lines);
  }
  t.equal(compared, 717, "all there are but the placeholder");
});
