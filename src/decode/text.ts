import { notificationName } from "../bgp/wire/names.ts";
import type { Facts, Place, Unreadable } from "./record.ts";
import type { Verdict } from "./verdict.ts";

/**
 * A record as people read it: where it stood, what it says, one line a field, and at its end what a
 * receiver does about it.
 *
 *   edge.pcap frame 12, 2026-11-21 03:35:00.000, 10.0.0.1:179 → 10.0.0.2:4711
 *     UPDATE, 55 octets
 *       ORIGIN                IGP
 *       AS_PATH               45104
 *       NEXT_HOP              10.0.0.1
 *       nlri                  10.20.0.0/24
 *     accept
 */
export function formatRecord(place: Place, verdict: Verdict, message: Facts): string {
  const lines = [formatPlace(place), ...formatFacts(message), ...formatVerdict(verdict)];
  return `${lines.join("\n")}\n\n`;
}

export function formatUnreadable({ place, error, hex }: Unreadable): string {
  const lines = [formatPlace(place), `  not read: ${error}`];
  if (hex !== undefined) lines.push(...wrap("octets", (hex.match(/.{1,8}/g) ?? []).join(" ")));
  return `${lines.join("\n")}\n\n`;
}

function formatPlace(place: Place): string {
  const { source, from, to, timeSec, ...rest } = place;
  const numbers = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  const words = [[source, ...numbers.slice(0, 1)].join(" "), ...numbers.slice(1)];
  if (typeof timeSec === "number" && timeSec > 0) words.push(formatTime(timeSec));
  if (from !== undefined) words.push(`${from} → ${to}`);
  return words.join(", ");
}

/** To the millisecond, UTC. */
const formatTime = (timeSec: number): string =>
  new Date(timeSec * 1000).toISOString().replace("T", " ").replace("Z", "");

function formatVerdict(verdict: Verdict): readonly string[] {
  const action = verdict.action.replaceAll("_", "-");
  if (verdict.action === "session_reset") {
    const data = verdict.dataHex === "" ? "" : `, data ${verdict.dataHex}`;
    const name = notificationName(verdict.code ?? 0, verdict.subcode ?? 0);
    return [
      `  ${action}: ${verdict.why}`,
      `    NOTIFICATION ${verdict.code}/${verdict.subcode} (${name})${data}`,
    ];
  }
  if (verdict.faults.length < 2) {
    return [verdict.why === null ? `  ${action}` : `  ${action}: ${verdict.why}`];
  }
  const faults = verdict.faults.map(
    (fault) => `    ${fault.action.replaceAll("_", "-")}: ${fault.because}`,
  );
  return [`  ${action}`, ...faults];
}

function formatFacts(message: Facts): readonly string[] {
  if (message.type === "BFD") return formatBfd(message);
  const { type, lengthOctets, ...rest } = message;
  const title = [type, lengthOctets === undefined ? undefined : `${lengthOctets} octets`];
  const lines = type === undefined ? [] : [`  ${title.filter(Boolean).join(", ")}`];
  for (const [name, value] of Object.entries(rest)) {
    if (isEmpty(value)) continue;
    if (name === "attributes") lines.push(...asFacts(value).flatMap(formatAttribute));
    else if (name === "capabilities") lines.push(...asFacts(value).flatMap(formatCapability));
    else lines.push(...wrap(name, formatValue(value)));
  }
  return lines;
}

function formatBfd(message: Facts): readonly string[] {
  const { state, diag, diagName, detectMult, myDiscriminator, yourDiscriminator } = message;
  const { desiredMinTxIntervalUs, requiredMinRxIntervalUs, requiredMinEchoRxIntervalUs } = message;
  const { authType, authKeyId, authSequence } = message;
  const flags = BFD_FLAGS.filter((name) => message[name] === true);
  const lines = [
    `  BFD, ${message.length} octets`,
    ...wrap("state", `${state}, diag ${diag} ${diagName ?? ""}`.trimEnd()),
    ...wrap("detectMult", String(detectMult)),
    ...wrap("discriminators", `my ${myDiscriminator}, your ${yourDiscriminator}`),
    ...wrap(
      "intervals",
      `desired tx ${desiredMinTxIntervalUs} us, required rx ${requiredMinRxIntervalUs} us, ` +
        `required echo rx ${requiredMinEchoRxIntervalUs} us`,
    ),
  ];
  if (flags.length > 0) lines.push(...wrap("flags", flags.join(" ")));
  if (authType !== undefined) {
    const sequence = authSequence === undefined ? "" : `, sequence ${authSequence}`;
    lines.push(...wrap("authentication", `type ${authType}, key ${authKeyId}${sequence}`));
  }
  return lines;
}

function formatCapability({ code, name, hex, malformed, ...facts }: Facts): readonly string[] {
  const words = [String(name ?? `code ${code}`)];
  const text = formatValue(facts);
  if (text !== "") words.push(text);
  else if (hex !== "") words.push(String(hex));
  if (malformed !== undefined) words.push("(malformed)");
  return wrap("capability", words.join(" "));
}

function formatAttribute(attribute: Facts): readonly string[] {
  const { type, name, flags, flagsText, value, hex, malformed } = attribute;
  const label = String(name ?? `attribute ${type}`);
  const text = value === undefined ? `${hex}` : formatAttributeValue(value);
  const isUnusual = name === null || (Number(flags) & PARTIAL) !== 0 || malformed !== undefined;
  const notes = [isUnusual ? `[${flagsText}]` : "", malformed ? `(malformed: ${malformed})` : ""];
  return wrap(label, [text, ...notes].filter((part) => part !== "").join("  "));
}

/** AS paths as they are said aloud; everything else as it is. */
function formatAttributeValue(value: unknown): string {
  const segments = asFacts(value);
  if (segments.length === 0 || segments[0]?.ases === undefined) return formatValue(value);
  return segments
    .map(({ type, ases }) => {
      const list = (ases as readonly number[]).join(" ");
      if (type === "AS_SEQUENCE") return list;
      return type === "AS_SET" ? `{${list}}` : type === "AS_CONFED_SET" ? `[${list}]` : `(${list})`;
    })
    .join(" ");
}

function formatValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(formatValue).join(" ");
  if (typeof value === "object" && value !== null) {
    const { pathId, prefix, ...rest } = value as Facts;
    if (prefix !== undefined) return `${prefix} (path ${pathId})`;
    return Object.entries(rest)
      .filter(([, inner]) => !isEmpty(inner))
      .map(([name, inner]) => `${name} ${formatValue(inner)}`)
      .join(", ");
  }
  return String(value);
}

/** A long list goes on under its beginning. */
function wrap(label: string, text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > TEXT_COLUMNS) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((part, index) => `    ${pad(index === 0 ? label : "")}${part}`.trimEnd());
}

const asFacts = (value: unknown): readonly Facts[] =>
  Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null)
    ? value
    : [];

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === "" ||
  (Array.isArray(value) && value.length === 0);

/** A label too long for its column still stands apart from what follows. */
const pad = (label: string): string => `${label.padEnd(LABEL_COLUMNS - 1)} `;

const BFD_FLAGS = [
  "poll",
  "final",
  "controlPlaneIndependent",
  "authPresent",
  "demand",
  "multipoint",
] as const;

const LABEL_COLUMNS = 22;
const TEXT_COLUMNS = 76;
const PARTIAL = 0x20;
