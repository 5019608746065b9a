/** Who is associated with the ECR, and what customers are told in place of its own prefixes. */
import { coversPrefix, parsePrefix } from "../../../core/prefix.ts";
import type { CloudConfig } from "./cloud-config.ts";
import type { VpcConfig } from "./vpc-config.ts";

/**
 * `match`: once prefixes are set nothing else is told. `incremental`: only what they cover is left
 * out.
 */
export type PrefixMode = "match" | "incremental";

export interface AllowedPrefixes {
  /** None: all that the VPC or transit router tells is passed on. */
  readonly prefixes: readonly string[];
  readonly mode: PrefixMode;
}

/** Of a VPC, or of a transit router by its attachment. */
export interface EcrAssociation {
  readonly kind: "vpc" | "tr";
  readonly name: string;
  readonly region: string;
  readonly allowed: AllowedPrefixes;
}

export const isVpcOnEcr = ({ ecr }: CloudConfig, { attachment }: VpcConfig): boolean =>
  ecr !== undefined && attachment === ecr.name;

export function ecrAssociations(cloud: CloudConfig): readonly EcrAssociation[] {
  const vpcs = cloud.vpcs.filter((vpc) => !vpc.isCustomTable && isVpcOnEcr(cloud, vpc));
  return [
    ...vpcs.map(({ name, region, allowedPrefixes, prefixMode }): EcrAssociation => {
      return {
        kind: "vpc",
        name,
        region,
        allowed: { prefixes: allowedPrefixes, mode: prefixMode },
      };
    }),
    ...cloud.transitRouters.flatMap(({ name, region, attachments }): EcrAssociation[] => {
      const attachment = attachments.find(({ kind }) => kind === "ecr");
      return attachment === undefined ? [] : [{ kind: "tr", name, region, allowed: attachment }];
    }),
  ];
}

/** What customers are told of these prefixes by way of the association. */
export function toldOf(own: readonly string[], { prefixes, mode }: AllowedPrefixes): string[] {
  if (prefixes.length === 0) return [...own];
  const isCovered = (text: string): boolean => {
    const inner = parsePrefix(text);
    return prefixes.some((allowed) => {
      const outer = parsePrefix(allowed);
      return outer !== undefined && inner !== undefined && coversPrefix(outer, inner);
    });
  };
  const rest = mode === "match" ? [] : own.filter((text) => !isCovered(text));
  return [...prefixes, ...rest];
}
