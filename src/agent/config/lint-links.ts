import { type AddressOctets, formatAddress } from "../../core/address.ts";
import { equalBytes } from "../../core/bytes.ts";
import { containsAddress, formatPrefix, overlaps, type Prefix } from "../../core/prefix.ts";
import type { CircuitDraft, Draft, LinkDraft } from "./draft.ts";
import { type Problems, sentence } from "./problem.ts";
import { prefixOf } from "./units.ts";

/** Interfaces, VLANs and addresses of circuits, each alone and against the others. */
export function lintLinks(draft: Draft, problems: Problems): void {
  for (const circuit of draft.circuits) {
    lintInterface(circuit, problems);
    for (const link of circuit.links) lintLink(circuit, link, problems);
    const [first, second] = circuit.links;
    if (circuit.profile.name === "alibaba-vbr" && first?.remote.length === 16) {
      const message = sentence(
        `${formatAddress(first.remote)} is IPv6; a VBR's first addresses are IPv4, IPv6`,
        "goes under ipv6",
      );
      problems.report("E112", first.remotePath, message);
    }
    if (second?.remote.length === 4) {
      const message = `${formatAddress(second.remote)} under ipv6 is IPv4`;
      problems.report("E112", second.remotePath, message);
    }
  }
  lintTogether(draft.circuits, problems);
}

function lintInterface({ path, source, profile, vlanId }: CircuitDraft, problems: Problems): void {
  const written = source.interface;
  if (written === undefined) return;
  const at = [...path, "interface"];
  const { parent, device, vlan, mtu } = written;
  if ((parent === undefined) === (device === undefined)) {
    const message = sentence(
      "an interface is either { parent, vlan }, which the agent makes, or { device },",
      "which is there",
    );
    problems.report("E410", at, message);
  } else if (device !== undefined && vlan !== undefined && vlan !== 0) {
    const message = `device ${device} is there already; vlan: ${vlan} goes with a parent`;
    problems.report("E410", [...at, "vlan"], message);
  }
  const name = device ?? (vlanId === 0 ? parent : `${parent}.${vlanId}`) ?? "";
  if (name.length > DEVICE_LENGTH_MAX || /[\s/]/.test(name) || name === "." || name === "..") {
    const message = sentence(
      `"${name}" is no interface name; 1 to ${DEVICE_LENGTH_MAX} characters without`,
      "blanks and slashes",
    );
    problems.report("E410", [...at, device === undefined ? "parent" : "device"], message);
  }
  if (vlanId > profile.vlanMax) {
    const message = sentence(
      `VLAN ${vlanId} is not allowed; a VBR has 1 to ${profile.vlanMax}, or 0 for the`,
      "untagged interface",
    );
    problems.report("E404", [...at, "vlan"], message);
  }
  if (profile.name === "alibaba-vbr" && mtu !== undefined && mtu !== 1500 && mtu !== 8500) {
    problems.report(
      "W415",
      [...at, "mtu"],
      `MTU ${mtu} is none a VBR has: 1500, or 8500 on an ECR`,
    );
  }
}

function lintLink(circuit: CircuitDraft, link: LinkDraft, problems: Problems): void {
  const { local, remote, localPath, remotePath } = link;
  const { subnet } = local;
  if (remote.length !== local.address.length) return; // said by the session
  const [ours, theirs] = [formatAddress(local.address), formatAddress(remote)];
  const net = formatPrefix(subnet);
  if (!containsAddress(subnet, remote)) {
    const message = sentence(
      `${theirs} is not in ${net}, the subnet of ${ours}; both ends of a circuit share`,
      "one",
    );
    problems.report("E401", remotePath, message);
  } else if (equalBytes(remote, local.address)) {
    problems.report("E405", remotePath, `${theirs} is our own end of the circuit`);
  }
  for (const [address, path] of [
    [local.address, localPath],
    [remote, remotePath],
  ] as const) {
    const why = unusable(address, subnet);
    if (why === undefined) continue;
    problems.report("E405", path, `${formatAddress(address)} is ${why}, so no host can have it`);
  }
  if (circuit.profile.maskLength !== undefined && remote.length === 4) {
    lintVbrLink(circuit.profile.maskLength, link, problems);
  }
}

function lintVbrLink(
  mask: { readonly min: number; readonly max: number },
  { local, localPath }: LinkDraft,
  problems: Problems,
): void {
  const { address, subnet } = local;
  if (subnet.length < mask.min || subnet.length > mask.max) {
    const message = sentence(
      `the mask /${subnet.length} is not allowed; a VBR's interconnect is /${mask.min}`,
      `to /${mask.max}`,
    );
    problems.report("E403", localPath, message);
  }
  if (overlaps(SERVICE_RANGE, subnet)) {
    const message = sentence(
      `${formatAddress(address)} is in 100.64.0.0/10, the range of the cloud's`,
      "services; a VBR refuses it",
    );
    problems.report("E406", localPath, message);
  } else if (!PRIVATE.some((range) => containsAddress(range, address))) {
    const message = sentence(
      `${formatAddress(address)} is public; interconnects take 10.0.0.0/8,`,
      "172.16.0.0/12 or 192.168.0.0/16",
    );
    problems.report("W411", localPath, message);
  }
}

/** Why nobody can have the address, or undefined. */
function unusable(address: AddressOctets, subnet: Prefix): string | undefined {
  const [first = 0] = address;
  if (address.every((octet) => octet === 0)) return "the unspecified address";
  if (address.length === 16) return first === 0xff ? "a multicast address" : undefined;
  if (first >= 224) return "a multicast or reserved address";
  if (subnet.length > 30 || !containsAddress(subnet, address)) return undefined;
  if (equalBytes(address, subnet.address)) return `the network address of ${formatPrefix(subnet)}`;
  return isLast(address, subnet) ? `the broadcast address of ${formatPrefix(subnet)}` : undefined;
}

function isLast(address: AddressOctets, { length }: Prefix): boolean {
  const hostBits = 32 - length;
  let host = 0;
  for (const octet of address) host = host * 256 + octet;
  return host % 2 ** hostBits === 2 ** hostBits - 1;
}

function lintTogether(circuits: readonly CircuitDraft[], problems: Problems): void {
  for (const [index, circuit] of circuits.entries()) {
    const earlier = circuits.slice(0, index);
    lintDevices(circuit, earlier, problems);
    for (const link of circuit.links) {
      for (const other of earlier) {
        for (const theirs of other.links) lintSubnets({ circuit, link, other, theirs }, problems);
      }
    }
  }
}

function lintDevices(
  circuit: CircuitDraft,
  earlier: readonly CircuitDraft[],
  problems: Problems,
): void {
  const parent = parentOf(circuit);
  const sharing = earlier.filter((other) => parent !== "" && parentOf(other) === parent);
  if (sharing.length === 0) return;
  const at = [...circuit.path, "interface"];
  const same = sharing.find((other) => other.device === circuit.device);
  if (same !== undefined) {
    const key = circuit.source.interface?.vlan === undefined ? "device" : "vlan";
    const message = `${circuit.device} is the interface of "${same.source.name}" already`;
    problems.report("E407", [...at, key], message);
    return;
  }
  const names = [circuit, ...sharing].map(({ source }) => `"${source.name}"`).join(", ");
  const isUntagged = [circuit, ...sharing].some((one) => one.device === parent);
  if (isUntagged && circuit.profile.name === "alibaba-vbr") {
    const message = `VLAN 0 would have ${parent} for itself, but ${names} are all on it`;
    problems.report("E407", [...at, "vlan"], message);
    return;
  }
  const message = `${names} leave by the same ${parent}; one cable, port or card takes all down`;
  problems.report("W402", at, message, "key");
}

/** What is lost together: the parent, or what stands before the dot of `eth1.100`. */
const parentOf = ({ parent, device }: CircuitDraft): string =>
  parent ?? device.split(".")[0] ?? device;

interface LinkPair {
  readonly circuit: CircuitDraft;
  readonly link: LinkDraft;
  readonly other: CircuitDraft;
  readonly theirs: LinkDraft;
}

function lintSubnets({ circuit, link, other, theirs }: LinkPair, problems: Problems): void {
  const name = other.source.name;
  if (equalBytes(link.local.address, theirs.local.address)) {
    const message = `${formatAddress(link.local.address)} is our address on "${name}" already`;
    problems.report("E408", link.localPath, message);
  } else if (overlaps(link.local.subnet, theirs.local.subnet)) {
    const [mine, taken] = [formatPrefix(link.local.subnet), formatPrefix(theirs.local.subnet)];
    const message = `${mine} of "${circuit.source.name}" overlaps ${taken} of "${name}"`;
    problems.report("E409", link.localPath, message);
  }
}

/** Linux: IFNAMSIZ less the terminator. */
const DEVICE_LENGTH_MAX = 15;
const SERVICE_RANGE = prefixOf("100.64.0.0/10");
/** Loopback as well, for labs. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"].map(prefixOf);
