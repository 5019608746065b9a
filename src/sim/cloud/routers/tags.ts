/**
 * What routes carry inside the cloud: large communities of an AS nobody has, which say whence they
 * came. They are taken off where a route leaves for a customer, and what a customer sends of them
 * is taken off as well.
 */
import type { CloudConfig } from "../config/cloud-config.ts";
import type { AttachmentConfig, TransitRouterConfig } from "../config/tr-config.ts";

const TAG_AS = 4_294_967_295;
const tag = (kind: number, value: number | "*"): string => `${TAG_AS}:${kind}:${value}`;

export const ANY_TAG = `${TAG_AS}:*:*`;

export const FROM_ANY_CUSTOMER = tag(1, "*");
export const FROM_VBR = tag(1, 1);
export const FROM_VPN = tag(1, 2);

/** By which of the ECR's associations a route came to it. */
export const fromAssociation = (index: number): string => tag(2, index);

/** The attachment by which a route came into the CEN, whichever transit router that was at. */
export const ANY_ATTACHMENT = tag(3, "*");
export function fromAttachment(
  cloud: CloudConfig,
  tr: TransitRouterConfig,
  attachment: AttachmentConfig,
): string {
  const before = cloud.transitRouters.slice(0, cloud.transitRouters.indexOf(tr));
  const offset = before.reduce((sum, { attachments }) => sum + attachments.length, 0);
  return tag(3, offset + tr.attachments.indexOf(attachment));
}

/** Set while a route map is at work, so that its changes cannot keep it from matching. */
export const chosenByMap = (priority: number): string => tag(4, priority);

/** A route that a VPC or the cloud has of itself, and one that somebody entered. */
export const SYSTEM_ROUTE = tag(5, 1);
export const CUSTOM_ROUTE = tag(5, 2);

/** The route table a route was in before it came into the CEN, as the number of its node. */
export const ANY_TABLE = tag(6, "*");
export const fromTable = (node: number): string => tag(6, node);
