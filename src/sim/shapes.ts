/** What both of the simulator's files, cloud and drill, are written in. */
import { Type } from "@sinclair/typebox";

export const closed = { additionalProperties: false } as const;

export const Duration = Type.String({
  pattern: "^\\d+(\\.\\d+)?(us|ms|s|m|h|d)$",
  description: "a written duration, as 300ms or 2s (a bare number has no unit)",
});
export const Name = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$",
  description: "a name of letters, digits, dot, dash and underscore, at most 32 long",
});
export const Ipv4 = Type.String({
  pattern: "^\\d{1,3}(\\.\\d{1,3}){3}$",
  description: "an IPv4 address",
});
export const Ipv4Interface = Type.String({
  pattern: "^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$",
  description: "an IPv4 address with its mask, as 10.0.1.1/30",
});
export const Ipv6 = Type.String({
  pattern: "^[0-9a-fA-F.:]*:[0-9a-fA-F.:]*$",
  description: "an IPv6 address",
});
export const Ipv6Interface = Type.String({
  pattern: "^[0-9a-fA-F.:]*:[0-9a-fA-F.:]*/\\d{1,3}$",
  description: "an IPv6 address with its mask, as fd00:0:0:1::1/126",
});
export const Ip = Type.String({
  pattern: "^[0-9a-fA-F.:]+$",
  description: "an IPv4 or IPv6 address",
});
export const Prefix = Type.String({
  pattern: "^[0-9a-fA-F.:]+/\\d{1,3}$",
  description: "a prefix, as 10.64.0.0/16",
});
export const AsNumber = Type.Integer({
  minimum: 1,
  maximum: 4_294_967_294,
  description: "an AS number from 1 to 4294967294",
});
export const Port = Type.Integer({ minimum: 1, maximum: 65_535, description: "a port number" });
export const Bandwidth = Type.String({
  format: "bandwidth",
  description: "a bandwidth, as 500Mbps or 1Gbps",
});
/** One of a few words. */
export const oneOf = <const Word extends string>(...words: readonly Word[]) =>
  Type.Unsafe<Word>({ type: "string", enum: words, description: words.join(" or ") });
