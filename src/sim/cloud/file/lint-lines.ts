/** What the vendor's API would refuse of lines, VBRs and their failover groups. */
import { CLOUD_AS_REFUSED, isDocumentedCloudAs } from "../../../agent/config/profiles.ts";
import { parseBandwidthBps, prefixOf } from "../../../agent/config/units.ts";
import { parseAddress } from "../../../core/address.ts";
import { containsAddress, maskAddress } from "../../../core/prefix.ts";
import { parseDurationUs } from "../../../core/time.ts";
import { DEFAULTS } from "./defaults.ts";
import { hubOfVbr, isEcr } from "./hubs.ts";
import { lintBgp, lintPeerAs, lintPeerNames } from "./lint-bgp.ts";
import type { LintPath, Tell } from "./lint-names.ts";
import type { CloudFile } from "./schema.ts";

type VbrFile = CloudFile["vbrs"][number];

/** BFD intervals the VBR's API accepts (`IllegalParam.MinTxInterval` outside of them). */
const BFD_INTERVAL_US = { min: 200_000, max: 1_000_000 } as const;
const HEALTH_CHECK_INTERVAL_US = { min: 2_000_000, max: 3_000_000 } as const;
/** A terminated VBR keeps its VLAN so long. */
const VLAN_KEPT_US = 7 * 24 * 3600 * 1_000_000;
const DOWN_DELAY_US = { max: 10_000_000, step: 100_000 } as const;
/** Of a VBR on a dedicated connection, Mbit/s. */
const VBR_MBPS: readonly number[] = [
  ...[50, 100, 200, 300, 400, 500, 1000, 2048, 5120, 8192, 10_240, 20_480, 40_960, 50_120],
  ...[61_440, 102_400],
];

const SERVICE_RANGE = prefixOf("100.64.0.0/10");
const PROBE_SOURCES = ["100.96.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(
  prefixOf,
);
const TUNNEL_RANGE = prefixOf("169.254.0.0/16");
/** The cloud's own tunnels and its metadata service. */
const TUNNELS_TAKEN = [
  ...[0, 1, 2, 3, 4, 5, 6].map((third) => prefixOf(`169.254.${third}.0/30`)),
  prefixOf("169.254.169.252/30"),
];

export function lintLines(source: CloudFile, error: Tell): void {
  lintAs(source, error);
  lintConnections(source, error);
  for (const [index, vbr] of source.vbrs.entries()) {
    const path = ["vbrs", index];
    lintInterconnect(vbr, path, error);
    lintBgp(source, vbr, path, error);
    lintBfd(vbr, path, error);
    if (vbr.healthCheck !== undefined) {
      lintProbe(vbr.healthCheck, [...path, "healthCheck"], error);
    }
    lintBandwidth(source, vbr, path, error);
  }
  lintPeerNames(source, error);
  lintMtu(source, error);
  lintVlans(source, error);
  for (const [index, vpn] of (source.vpns ?? []).entries()) {
    lintTunnel(vpn, ["vpns", index], error);
    if (vpn.second !== undefined) lintTunnel(vpn.second, ["vpns", index, "second"], error);
    if (vpn.tunnelMode !== undefined && vpn.second === undefined) {
      const message = "tunnelMode is of two tunnels, and there is no second";
      error(["vpns", index, "tunnelMode"], "C117", message);
    }
    lintPeerAs(source, vpn, ["vpns", index], error);
  }
}

function lintAs({ cloud }: CloudFile, error: Tell): void {
  const { as } = cloud;
  if (as === undefined || (isDocumentedCloudAs(as) && as !== CLOUD_AS_REFUSED)) return;
  const allowed = "45104, 64512 to 65534 and 4200000000 to 4294967294, without 65025";
  error(["cloud", "as"], "C109", `the cloud's AS is not ${as}: the vendor allows ${allowed}`);
}

function lintConnections(source: CloudFile, error: Tell): void {
  for (const [index, connection] of (source.connections ?? []).entries()) {
    const path = ["connections", index];
    const { downDelay, bandwidth } = connection;
    const speed = portMbps(connection);
    if (bandwidth !== undefined && mbps(bandwidth) > speed) {
      const message = `${bandwidth} is more than a port of type ${connection.portType} carries`;
      error([...path, "bandwidth"], "C115", `${message} (InvalidBandwidth)`);
    }
    const delayUs = downDelay === undefined ? 0 : (parseDurationUs(downDelay) ?? 0);
    if (delayUs > DOWN_DELAY_US.max || delayUs % DOWN_DELAY_US.step !== 0) {
      const message = `downDelay ${downDelay} is outside 0s to 10s in steps of 100ms`;
      error([...path, "downDelay"], "C113", message);
    }
  }
}

type ConnectionFile = NonNullable<CloudFile["connections"]>[number];

/**
 * Its type begins with its speed, for ports do not negotiate; the vendor's 10G are 10240 Mbit/s. No
 * limit where the file says no type.
 */
function portMbps({ portType }: ConnectionFile): number {
  const [, digits, giga] = /^(\d+)(G?)Base/.exec(portType ?? "") ?? [];
  return digits === undefined ? Number.POSITIVE_INFINITY : Number(digits) * (giga ? 1024 : 1);
}

const mbps = (text: string): number => (parseBandwidthBps(text) ?? 0) / 1e6;

function lintInterconnect(vbr: VbrFile, path: LintPath, error: Tell): void {
  const [localText = "", maskText = ""] = vbr.local.split("/");
  const [local, peer] = [parseAddress(localText), parseAddress(vbr.peer)];
  const mask = Number(maskText);
  if (local === undefined) error([...path, "local"], "C102", `${localText} is no address`);
  if (peer === undefined) error([...path, "peer"], "C102", `${vbr.peer} is no address`);
  if (mask < 24 || mask > 30) {
    error([...path, "local"], "C103", `mask /${mask} is outside /24 to /30, which a VBR takes`);
  }
  if (local !== undefined && containsAddress(SERVICE_RANGE, local)) {
    const message = `${localText} is in 100.64.0.0/10, which no interconnect may use`;
    error([...path, "local"], "C110", message);
  }
  if (local === undefined || peer === undefined || mask > 32) return;
  const subnet = { afi: 1 as const, address: maskAddress(local, mask), length: mask };
  if (!containsAddress(subnet, peer)) {
    error([...path, "peer"], "C104", `${vbr.peer} is not in the subnet of ${vbr.local}`);
  } else if (localText === vbr.peer) {
    error([...path, "peer"], "C104", `${vbr.peer} is the VBR's own address`);
  }
}

function lintBfd(vbr: VbrFile, path: LintPath, error: Tell): void {
  if (vbr.bfd === undefined || vbr.bfd === "off") return;
  for (const key of ["tx", "rx"] as const) {
    const text = vbr.bfd[key];
    const us = text === undefined ? undefined : parseDurationUs(text);
    if (us !== undefined && (us < BFD_INTERVAL_US.min || us > BFD_INTERVAL_US.max)) {
      error([...path, "bfd", key], "C105", `${text} is outside 200ms to 1s, which a VBR takes`);
    }
  }
}

export function lintProbe(
  healthCheck: Pick<NonNullable<VbrFile["healthCheck"]>, "source" | "interval">,
  path: LintPath,
  error: Tell,
): void {
  const source = parseAddress(healthCheck.source);
  if (source === undefined || !PROBE_SOURCES.some((one) => containsAddress(one, source))) {
    const allowed = "100.96.0.0/16, 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16";
    const message = `the source ${healthCheck.source} is outside ${allowed}`;
    error([...path, "source"], "C111", message);
  }
  const { interval } = healthCheck;
  const us = interval === undefined ? undefined : (parseDurationUs(interval) ?? 0);
  const { min, max } = HEALTH_CHECK_INTERVAL_US;
  if (us !== undefined && (us < min || us > max)) {
    error([...path, "interval"], "C111", `${interval} is outside 2s to 3s`);
  }
}

function lintBandwidth(source: CloudFile, vbr: VbrFile, path: LintPath, error: Tell): void {
  if (vbr.bandwidth === undefined) return;
  const bps = parseBandwidthBps(vbr.bandwidth) ?? 0;
  if (!VBR_MBPS.includes(bps / 1e6)) {
    const message = `${vbr.bandwidth} is none of ${VBR_MBPS.join(", ")} Mbps, which a VBR takes`;
    error([...path, "bandwidth"], "C115", message);
  }
  const port = source.connections?.find(({ name }) => name === vbr.connection);
  const line = port?.bandwidth;
  if (line === undefined && port !== undefined && bps / 1e6 > portMbps(port)) {
    const message = `${vbr.bandwidth} is more than a port of type ${port.portType} carries`;
    error([...path, "bandwidth"], "C115", `${message} (VbrBandwidthExceed)`);
  }
  if (line !== undefined && bps > (parseBandwidthBps(line) ?? 0)) {
    const message = `${vbr.bandwidth} is more than the connection's ${line} (VbrBandwidthExceed)`;
    error([...path, "bandwidth"], "C115", message);
  }
}

/** 8500 goes for the whole ECR or not at all. */
function lintMtu(source: CloudFile, error: Tell): void {
  const mtuOf = ({ mtu = DEFAULTS.mtu }: VbrFile) => mtu;
  const isOnEcr = ({ name }: VbrFile) => isEcr(source, hubOfVbr(source, name));
  const first = source.vbrs.find(isOnEcr);
  for (const [index, vbr] of source.vbrs.entries()) {
    if (first === undefined || !isOnEcr(vbr) || mtuOf(vbr) === mtuOf(first)) continue;
    const message = `${vbr.name} has MTU ${mtuOf(vbr)}, ${first.name} ${mtuOf(first)}`;
    error(["vbrs", index, "mtu"], "C114", `${message}: all VBRs of an ECR have the same`);
  }
}

function lintVlans(source: CloudFile, error: Tell): void {
  const taken = new Map<string, Map<number, string>>();
  for (const [index, vbr] of source.vbrs.entries()) {
    const { name, connection, vlan = 0, terminatedFor } = vbr;
    if (terminatedFor !== undefined && vbr.status !== "terminated") {
      error(["vbrs", index, "terminatedFor"], "C107", `${name} is not terminated`);
    }
    const isKept = (parseDurationUs(terminatedFor ?? "0s") ?? 0) < VLAN_KEPT_US;
    if (connection === undefined || !isKept) continue;
    const here = taken.get(connection) ?? new Map<number, string>();
    taken.set(connection, here);
    const twin = here.get(vlan);
    const whole = vlan === 0 ? [...here.values()][0] : here.get(0);
    if (twin !== undefined) {
      const message = `VLAN ${vlan} of ${connection} is taken by ${twin}`;
      error(["vbrs", index, "vlan"], "C107", message);
    } else if (whole !== undefined) {
      const message = `VLAN 0 is the whole connection, so ${name} and ${whole} cannot share it`;
      error(["vbrs", index, "vlan"], "C107", message);
    }
    here.set(vlan, name);
  }
}

function lintTunnel(
  vpn: { readonly local: string; readonly peer: string },
  path: LintPath,
  error: Tell,
): void {
  const [localText = "", maskText = ""] = vpn.local.split("/");
  const [local, peer] = [parseAddress(localText), parseAddress(vpn.peer)];
  const isTunnel = local !== undefined && containsAddress(TUNNEL_RANGE, local);
  if (local === undefined || !isTunnel || maskText !== "30") {
    error([...path, "local"], "C117", `${vpn.local} is no address of a /30 in 169.254.0.0/16`);
    return;
  }
  const taken = TUNNELS_TAKEN.find((one) => containsAddress(one, local));
  if (taken !== undefined) {
    error([...path, "local"], "C117", `the cloud keeps the /30 of ${vpn.local} for itself`);
  }
  const subnet = { afi: 1 as const, address: maskAddress(local, 30), length: 30 };
  if (peer === undefined || !containsAddress(subnet, peer) || localText === vpn.peer) {
    error([...path, "peer"], "C104", `${vpn.peer} is not the other end of ${vpn.local}`);
  }
}
