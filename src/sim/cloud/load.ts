import { type ConfigProblem, readDocument } from "../../agent/config/document.ts";
import { parseAddress } from "../../core/address.ts";
import { containsAddress, maskAddress, parsePrefix } from "../../core/prefix.ts";
import { parseDurationUs, US_PER_SEC } from "../../core/time.ts";
import type { CloudConfig, VbrConfig } from "./cloud-config.ts";
import { type CloudFile, CloudSchema } from "./schema.ts";

/** The vendor's defaults, as documented (express-connect facts: BGP, BFD, quotas). */
const DEFAULTS = {
  as: 45104,
  holdTimeSec: 30,
  keepaliveTimeSec: 10,
  routeQuota: 110,
  bfdIntervalUs: 1_000_000,
  bfdMultiplier: 3,
  bfdHops: 255,
  ecmpPathsMax: 32,
  port: 179,
} as const;

/** BFD intervals the VBR's API accepts (`IllegalParam.MinTxInterval` outside of them). */
const BFD_INTERVAL_US = { min: 200_000, max: 1_000_000 } as const;

export interface CloudLoad {
  readonly config: CloudConfig | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** The cloud's file, `file` being its name for messages. All problems, not the first. */
export function loadCloud(file: string, text: string): CloudLoad {
  const document = readDocument(file, text, CloudSchema);
  if (document.value === undefined) return { config: undefined, problems: document.problems };
  const source = document.value as CloudFile;
  const problems: ConfigProblem[] = [];
  const error = (path: readonly (string | number)[], code: string, message: string) => {
    problems.push(document.at(path, { severity: "error", code, message }));
  };
  lintCloud(source, error);
  if (problems.length > 0) return { config: undefined, problems };
  const vbrs = source.vbrs.map(toVbr);
  return {
    config: {
      name: source.cloud.name,
      as: source.cloud.as ?? DEFAULTS.as,
      vbrs,
      ecr: {
        name: source.ecr.name,
        prefixes: source.ecr.prefixes,
        ecmpPathsMax: source.ecr.ecmp ?? DEFAULTS.ecmpPathsMax,
      },
    },
    problems,
  };
}

type Tell = (path: readonly (string | number)[], code: string, message: string) => void;

function lintCloud(source: CloudFile, error: Tell): void {
  const names = [source.ecr.name];
  const circuits: string[] = [];
  for (const [index, vbr] of source.vbrs.entries()) {
    const path = ["vbrs", index];
    if (names.includes(vbr.name)) {
      error([...path, "name"], "C101", `two nodes are called "${vbr.name}"`);
    }
    if (circuits.includes(vbr.circuit)) {
      error([...path, "circuit"], "C101", `two VBRs end the circuit "${vbr.circuit}"`);
    }
    names.push(vbr.name);
    circuits.push(vbr.circuit);
    lintAddresses(vbr, path, error);
    lintBfd(vbr, path, error);
  }
  for (const [index, prefix] of source.ecr.prefixes.entries()) {
    if (parsePrefix(prefix) === undefined) {
      error(["ecr", "prefixes", index], "C102", `${prefix} is no prefix (host bits set?)`);
    }
  }
}

function lintAddresses(
  vbr: CloudFile["vbrs"][number],
  path: readonly (string | number)[],
  error: Tell,
): void {
  const [localText = "", maskText = ""] = vbr.local.split("/");
  const [local, peer] = [parseAddress(localText), parseAddress(vbr.peer)];
  const mask = Number(maskText);
  if (local === undefined) error([...path, "local"], "C102", `${localText} is no address`);
  if (peer === undefined) error([...path, "peer"], "C102", `${vbr.peer} is no address`);
  if (mask < 24 || mask > 30) {
    error([...path, "local"], "C103", `mask /${mask} is outside /24 to /30, which a VBR takes`);
  }
  if (local === undefined || peer === undefined || mask > 32) return;
  const subnet = { afi: 1 as const, address: maskAddress(local, mask), length: mask };
  if (!containsAddress(subnet, peer)) {
    error([...path, "peer"], "C104", `${vbr.peer} is not in the subnet of ${vbr.local}`);
  }
}

function lintBfd(
  vbr: CloudFile["vbrs"][number],
  path: readonly (string | number)[],
  error: Tell,
): void {
  if (vbr.bfd === undefined || vbr.bfd === "off") return;
  for (const key of ["tx", "rx"] as const) {
    const text = vbr.bfd[key];
    const us = text === undefined ? undefined : parseDurationUs(text);
    if (us !== undefined && (us < BFD_INTERVAL_US.min || us > BFD_INTERVAL_US.max)) {
      error([...path, "bfd", key], "C105", `${text} is outside 200ms to 1s, which a VBR takes`);
    }
  }
}

function toVbr(source: CloudFile["vbrs"][number]): VbrConfig {
  const sec = (text: string | undefined, fallback: number) =>
    text === undefined ? fallback : Math.round((parseDurationUs(text) ?? 0) / US_PER_SEC);
  const us = (text: string | undefined) =>
    text === undefined ? DEFAULTS.bfdIntervalUs : (parseDurationUs(text) ?? 0);
  const { bfd } = source;
  return {
    name: source.name,
    circuit: source.circuit,
    local: source.local,
    peer: source.peer,
    peerAs: source.peerAs,
    port: source.port ?? DEFAULTS.port,
    peerPort: source.peerPort ?? DEFAULTS.port,
    device: source.device,
    holdTimeSec: sec(source.hold, DEFAULTS.holdTimeSec),
    keepaliveTimeSec: sec(source.keepalive, DEFAULTS.keepaliveTimeSec),
    md5Key: source.md5,
    routeQuota: source.routeQuota ?? DEFAULTS.routeQuota,
    bfd:
      bfd === undefined || bfd === "off"
        ? undefined
        : {
            txIntervalUs: us(bfd.tx),
            rxIntervalUs: us(bfd.rx),
            multiplier: bfd.multiplier ?? DEFAULTS.bfdMultiplier,
            hops: bfd.hops ?? DEFAULTS.bfdHops,
          },
  };
}
