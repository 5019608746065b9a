import { notificationName } from "../bgp/wire/names.ts";
import type { Facts, Place, Unreadable } from "./record.ts";
import type { Verdict } from "./verdict.ts";

/**
 * A record as people read it: where it stood, what it says, one line a field, and at its end what a
 * receiver does about it.
 *
 *   edge.pcap frame 12  10.0.0.1:179 → 10.0.0.2:4711
 *     UPDATE, 55 octets
 *       ORIGIN            IGP
 *       AS_PATH           45104
 *       nlri              10.20.0.0/24
 *     accept
 */
export function formatRecord(place: Place, verdict: Verdict, message: Facts): string {
  const lines = [formatPlace(place), ...formatFacts(message), ...formatVerdict(verdict)];
  return `${lines.join("\n")}\n\n`;
}

export const formatUnreadable = ({ place, error }: Unreadable): string =>
  `${formatPlace(place)}\n  not read: ${error}\n\n`;

function formatPlace(place: Place): string {
  const { source, from, to, timeSec, ...rest } = place;
  const words = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  const time = typeof timeSec === "number" && timeSec > 0 ? [formatTime(timeSec)] : [];
  const ends = from === undefined ? [] : [`${from} → ${to}`];
  return [source, ...words, ...time, ...ends].join("  ");
}

const formatTime = (timeSec: number): string => new Date(timeSec * 1000).toISOString();

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
  const { type, lengthOctets, attributes, capabilities, ...rest } = message;
  const title = [type, lengthOctets === undefined ? undefined : `${lengthOctets} octets`];
  const lines = type === undefined ? [] : [`  ${title.filter(Boolean).join(", ")}`];
  for (const [name, value] of Object.entries(rest)) {
    if (isEmpty(value)) continue;
    lines.push(...formatField(name, value));
  }
  for (const capability of asFacts(capabilities)) lines.push(formatCapability(capability));
  for (const attribute of asFacts(attributes)) lines.push(...formatAttribute(attribute));
  return lines;
}

function formatCapability({ code, name, hex, malformed, ...facts }: Facts): string {
  const parts = Object.values(facts).length === 0 && hex !== "" ? [hex] : [formatValue(facts)];
  if (malformed !== undefined) parts.push("(malformed)");
  return `    ${pad("capability")}${name ?? `code ${code}`} ${parts.join(" ")}`.trimEnd();
}

function formatAttribute(attribute: Facts): readonly string[] {
  const { type, name, flagsText, value, hex, malformed } = attribute;
  const text = value === undefined ? `${hex}` : formatAttributeValue(value);
  const defect = malformed === undefined ? "" : `  (malformed: ${malformed})`;
  const label = String(name ?? `attribute ${type}`);
  const unusual = name === null ? `  [${flagsText}]` : "";
  return wrap(label, `${text}${unusual}${defect}`);
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

function formatField(name: string, value: unknown): readonly string[] {
  return wrap(name, formatValue(value));
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

const pad = (label: string): string => label.padEnd(LABEL_COLUMNS);

const LABEL_COLUMNS = 22;
const TEXT_COLUMNS = 76;
