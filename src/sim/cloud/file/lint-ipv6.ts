/** What the cloud's file may not say of IPv6: on VBRs, in VPCs, and where nothing carries it. */
import { formatAddress, parseAddress } from "../../../core/address.ts";
import { containsAddress, coversPrefix, maskAddress, parsePrefix } from "../../../core/prefix.ts";
import { wayOf } from "../config/next-hops.ts";
import type { LintPath, Tell } from "./lint-names.ts";
import type { CloudFile } from "./schema.ts";
import type { VpcFile } from "./schema-routes.ts";

/** Nobody says which masks a VBR takes; the vendor's examples have /55, /56 and /126. */
const MASKS = { min: 48, max: 127 } as const;
const VPC_MASK = 56;
const VSWITCH_MASK = 64;

export function lintIpv6(source: CloudFile, error: Tell): void {
  for (const [index, vbr] of source.vbrs.entries()) {
    if (vbr.ipv6 === undefined) continue;
    const path = ["vbrs", index, "ipv6"];
    lintInterconnect(vbr.ipv6, path, error);
    if (!source.peerings?.some((peering) => peering.vbr === vbr.name)) continue;
    error(path, "C123", "IPv6 of a VBR with peering connections is not modelled");
  }
  for (const [index, vpc] of (source.vpcs ?? []).entries()) {
    lintVpc(vpc, ["vpcs", index], error);
  }
  lintCarried(source, error);
}

function lintInterconnect(
  { local: withMask, peer }: { readonly local: string; readonly peer: string },
  path: LintPath,
  error: Tell,
): void {
  const [localText = "", maskText = ""] = withMask.split("/");
  const [local, other, mask] = [parseAddress(localText), parseAddress(peer), Number(maskText)];
  const isIpv6 = local?.length === 16;
  if (!isIpv6) error([...path, "local"], "C102", `${localText} is no IPv6 address`);
  if (other?.length !== 16) error([...path, "peer"], "C102", `${peer} is no IPv6 address`);
  if (mask < MASKS.min || mask > MASKS.max) {
    const range = `/${MASKS.min} to /${MASKS.max}`;
    error([...path, "local"], "C103", `mask /${mask} is outside ${range}, which a VBR takes here`);
  }
  if (!isIpv6 || other?.length !== 16 || mask > 128) return;
  const subnet = { afi: 2 as const, address: maskAddress(local, mask), length: mask };
  if (!containsAddress(subnet, other)) {
    error([...path, "peer"], "C104", `${peer} is not in the subnet of ${withMask}`);
  } else if (formatAddress(local) === formatAddress(other)) {
    error([...path, "peer"], "C104", `${peer} is the VBR's own address`);
  }
}

function lintVpc(vpc: VpcFile, path: LintPath, error: Tell): void {
  const whole = vpc.ipv6 === undefined ? undefined : parsePrefix(vpc.ipv6);
  if (vpc.ipv6 !== undefined && (whole?.afi !== 2 || whole.length !== VPC_MASK)) {
    error([...path, "ipv6"], "C118", `${vpc.ipv6} is no IPv6 prefix of /${VPC_MASK}`);
  }
  for (const [index, { cidr, ipv6 }] of vpc.vswitches.entries()) {
    const at = [...path, "vswitches", index];
    if (cidr.includes(":")) {
      error([...at, "cidr"], "C118", `${cidr} is IPv6, which has a key of its own, "ipv6"`);
    }
    if (ipv6 === undefined) continue;
    const own = parsePrefix(ipv6);
    if (own?.afi !== 2 || own.length !== VSWITCH_MASK) {
      error([...at, "ipv6"], "C118", `${ipv6} is no IPv6 prefix of /${VSWITCH_MASK}`);
    } else if (whole === undefined || !coversPrefix(whole, own)) {
      const text = vpc.ipv6 === undefined ? `${vpc.name} has no "ipv6"` : `it is ${vpc.ipv6}`;
      error([...at, "ipv6"], "C118", `${ipv6} is not in the IPv6 network of its VPC: ${text}`);
    }
  }
  for (const [index, { prefix, nextHop }] of (vpc.routes ?? []).entries()) {
    if (wayOf(nextHop) !== "peering" || !prefix.includes(":")) continue;
    const message = "an IPv6 route into peering connections is not modelled";
    error([...path, "routes", index, "prefix"], "C123", message);
  }
}

/** IPv6 that no VBR tells anybody is a line somebody forgot. */
function lintCarried(source: CloudFile, error: Tell): void {
  const { vbrs, ecr, vpcs = [], transitRouters = [] } = source;
  for (const [index, { name, ipv6, networks = [] }] of vbrs.entries()) {
    const at = networks.findIndex((network) => network.includes(":"));
    if (ipv6 !== undefined || at < 0) continue;
    error(
      ["vbrs", index, "networks", at],
      "C126",
      `${networks[at]} is IPv6, which ${name} has not`,
    );
  }
  if (vbrs.some(({ ipv6 }) => ipv6 !== undefined)) return;
  const tell = (path: LintPath, text: string | undefined) => {
    if (text?.includes(":") !== true) return;
    error(path, "C126", `${text} is IPv6, and no VBR has the key "ipv6"`);
  };
  for (const [index, prefix] of (ecr?.prefixes ?? []).entries()) {
    tell(["ecr", "prefixes", index], prefix);
  }
  for (const [key, list] of Object.entries({ vpcs, transitRouters })) {
    for (const [index, { routes = [] }] of list.entries()) {
      for (const [at, { prefix }] of routes.entries()) {
        tell([key, index, "routes", at, "prefix"], prefix);
      }
    }
  }
  for (const [index, { ipv6 }] of vpcs.entries()) tell(["vpcs", index, "ipv6"], ipv6);
}
