import { writeFileSync } from "node:fs";
import { parseAddress } from "../../core/address.ts";
import { PlatformError } from "../../core/app-error.ts";
import type { VlanOptions } from "../contract.ts";
import { adminError, linkUnknown } from "./errors.ts";
import type { LinkRecord, LinkTable } from "./link-table.ts";
import type { NetlinkSocket } from "./netlink.ts";
import { MessageWriter } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { Ifa, Iff, Ifla, NlAttr, Nlm, Rtm } from "./rtnetlink.ts";
import { C, SysError } from "./sys.ts";

export interface VlanContext {
  readonly socket: NetlinkSocket;
  readonly table: LinkTable;
  readonly netns: Netns;
  /** Reads the table anew. */
  refresh(): void;
}

/**
 * Makes an 802.1Q sub-interface what the options say: creates or adopts it, gives it what addresses
 * and MTU it lacks, raises it. With VLAN id 0 a plain interface stands in and must exist. Other
 * addresses it has are left alone; what was created here and cannot be finished is removed again.
 * While its parent is down an interface stays down and comes up with it.
 */
export function ensureVlan(options: VlanOptions, context: VlanContext): LinkRecord {
  const { device, vlanId } = options;
  if (!Number.isInteger(vlanId) || vlanId < 0 || vlanId > 4094) {
    throw new PlatformError("PLATFORM_OPTION", `${vlanId} is not a VLAN (1 to 4094)`);
  }
  context.refresh();
  const existing = context.table.named(device);
  if (existing === undefined && vlanId === 0) throw linkUnknown(device);
  if (existing !== undefined) adopt(existing, options, context);
  else create(options, context);
  try {
    shape(known(device, context), options, context);
  } catch (error) {
    if (existing === undefined) remove(device, context);
    throw error;
  }
  return known(device, context);
}

function known(device: string, context: VlanContext): LinkRecord {
  context.refresh();
  const link = context.table.named(device);
  if (link === undefined) throw linkUnknown(device);
  return link;
}

function adopt(link: LinkRecord, { device, parent, vlanId }: VlanOptions, context: VlanContext) {
  if (vlanId === 0) return;
  const parentIndex = context.table.named(parent)?.index;
  const isAsAsked =
    link.kind === "vlan" && link.vlanId === vlanId && link.parentIndex === parentIndex;
  if (isAsAsked) return;
  throw new PlatformError(
    "PLATFORM_LINK_CONFLICT",
    `${device} exists and is not VLAN ${vlanId} of ${parent}; remove it or choose another name`,
  );
}

function create({ device, parent, vlanId }: VlanOptions, context: VlanContext): void {
  const parentLink = context.table.named(parent);
  if (parentLink === undefined) throw linkUnknown(parent);
  const flags = Nlm.CREATE | Nlm.EXCL;
  const writer = request(context, Rtm.NEWLINK, flags).octets(new Uint8Array(16));
  writer.attrText(Ifla.IFNAME, device).attrU32(Ifla.LINK, parentLink.index);
  const info = writer.beginNest(Ifla.LINKINFO | NlAttr.NESTED);
  writer.attrText(Ifla.INFO_KIND, "vlan");
  const data = writer.beginNest(Ifla.INFO_DATA | NlAttr.NESTED);
  writer.attrOctets(Ifla.VLAN_ID, Uint8Array.of(vlanId & 0xff, vlanId >> 8));
  writer.endNest(data).endNest(info).end();
  const wanted = `creating VLAN ${vlanId} on ${parent}`;
  try {
    context.socket.demand("RTM_NEWLINK", writer);
  } catch (error) {
    throw creationError(error, wanted);
  }
  keepAddresses(device, context.netns);
}

function creationError(error: unknown, wanted: string): PlatformError {
  const errno = error instanceof SysError ? error.errnoName : "";
  if (errno === "EOPNOTSUPP") {
    return new PlatformError(
      "PLATFORM_VLAN_UNSUPPORTED",
      `${wanted} failed: this kernel has no 802.1Q (module 8021q); load it, ` +
        "or let a plain interface with untagged traffic stand in (vlan: 0)",
      { cause: error },
    );
  }
  if (errno === "EEXIST") {
    return new PlatformError(
      "PLATFORM_LINK_CONFLICT",
      `${wanted} failed: another interface has that VLAN; remove it or use its name`,
      { cause: error },
    );
  }
  return adminError(wanted, error);
}

/**
 * `ip link set down` takes IPv6 addresses along unless told otherwise; a VLAN of ours keeps them.
 */
function keepAddresses(device: string, netns: Netns): void {
  const path = `/proc/sys/net/ipv6/conf/${device}/keep_addr_on_down`;
  try {
    netns.run(() => writeFileSync(path, "1"));
  } catch {
    // No IPv6 in this kernel, or /proc is read-only: the agent adds addresses again when it must.
  }
}

function shape(link: LinkRecord, options: VlanOptions, context: VlanContext): void {
  const { device, mtu } = options;
  const parent = context.table.named(options.parent);
  if (mtu !== undefined && parent !== undefined && mtu > parent.mtu && options.vlanId !== 0) {
    throw new PlatformError(
      "PLATFORM_LINK_CONFLICT",
      `MTU ${mtu} of ${device} is above the ${parent.mtu} of ${options.parent}; raise that first`,
    );
  }
  if (mtu !== undefined && mtu !== link.mtu) {
    const writer = linkRequest(context, link, 0, 0).attrU32(Ifla.MTU, mtu).end();
    demand(context, writer, `setting MTU ${mtu} on ${device}`);
  }
  for (const address of options.addresses) {
    if (!link.addresses.includes(address)) addAddress(link, address, context);
  }
  if ((link.flags & Iff.UP) === 0) raise(link, context);
}

function raise(link: LinkRecord, context: VlanContext): void {
  const writer = linkRequest(context, link, Iff.UP, Iff.UP).end();
  try {
    context.socket.demand("RTM_NEWLINK", writer);
  } catch (error) {
    const isParentDown = error instanceof SysError && error.errnoName === "ENETDOWN";
    if (!isParentDown) throw adminError(`raising ${link.device}`, error);
  }
}

function addAddress(link: LinkRecord, text: string, context: VlanContext): void {
  const [addressText = "", lengthText = ""] = text.split("/");
  const address = parseAddress(addressText);
  const length = /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : -1;
  if (address === undefined || length < 0 || length > address.length * 8) {
    throw new PlatformError(
      "PLATFORM_OPTION",
      `"${text}" is not an interface address such as 10.0.0.1/30`,
    );
  }
  const family = address.length === 4 ? C.AF_INET : C.AF_INET6;
  // Duplicate detection would keep a new address from use for seconds; both ends are configured.
  const flags = family === C.AF_INET6 ? Ifa.FLAG_NODAD : 0;
  const writer = request(context, Rtm.NEWADDR, Nlm.CREATE | Nlm.REPLACE)
    .octets(Uint8Array.of(family, length, flags, 0))
    .u32(link.index)
    .attrOctets(Ifa.LOCAL, address)
    .attrOctets(Ifa.ADDRESS, address)
    .end();
  demand(context, writer, `adding address ${text} to ${link.device}`);
}

function remove(device: string, context: VlanContext): void {
  context.refresh();
  const link = context.table.named(device);
  if (link === undefined) return;
  const body = linkBody(link, 0, 0);
  context.socket.transact(request(context, Rtm.DELLINK, 0).octets(body).end());
}

function demand(context: VlanContext, writer: MessageWriter, wanted: string): void {
  try {
    context.socket.demand("rtnetlink", writer);
  } catch (error) {
    throw adminError(wanted, error);
  }
}

const request = (context: VlanContext, type: number, flags: number): MessageWriter =>
  new MessageWriter().begin(type, flags, context.socket.nextSeq());

const linkRequest = (context: VlanContext, link: LinkRecord, flags: number, mask: number) =>
  request(context, Rtm.NEWLINK, 0).octets(linkBody(link, flags, mask));

function linkBody(link: LinkRecord, flags: number, mask: number): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setInt32(4, link.index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, mask, true);
  return body;
}
