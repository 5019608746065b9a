/**
 * Groups with a spare hop, which the kernel itself falls back on. When a link loses its carrier
 * Linux takes its hops out of their groups, and a group with its last hop out of the kernel, and
 * all routes on it: traffic of an active circuit would wait until every route was written again.
 *
 * A resilient group (Linux 5.13) spreads buckets over its hops by weight. A hop whose share is less
 * than half a bucket gets none: it is a member that carries nothing, until it is the last one. No
 * process has a part in that move.
 */
import type { ResolvedHop } from "./group-store.ts";
import type { Message, MessageWriter } from "./netlink-codec.ts";
import { NexthopGroupType, Nha, NhaResGroup, NlAttr } from "./rtnetlink.ts";

const BUCKETS = 64;
/** Of every other member beside a spare of 1: far above 128, and nobody's weight by chance. */
const WEIGHT_IN_USE = 251;

/**
 * Members as the kernel is to have them. Weights of their own leave no room for a spare; then there
 * is none.
 */
export function withSpare(
  hops: readonly ResolvedHop[],
  spare: ResolvedHop | undefined,
): readonly ResolvedHop[] {
  const [first] = hops;
  const isEven = hops.every(({ weight }) => weight === first?.weight);
  if (spare === undefined || !isEven) return hops;
  return [...hops.map((hop) => ({ ...hop, weight: WEIGHT_IN_USE })), { ...spare, weight: 1 }];
}

/** The members of a dumped group without its spare, unless that is what is left. */
export function withoutSpare<Member extends { readonly weight: number }>(
  members: readonly Member[],
): readonly Member[] {
  const [spare, ...others] = [...members].sort((a, b) => a.weight - b.weight);
  const hasSpare =
    spare?.weight === 1 &&
    others.length > 0 &&
    others.every(({ weight }) => weight === WEIGHT_IN_USE);
  return hasSpare
    ? members.filter((member) => member !== spare).map((member) => ({ ...member, weight: 1 }))
    : members;
}

/** Timers of 0: what has to move moves at once, as in other groups. */
export function writeResilient(writer: MessageWriter): MessageWriter {
  writer.attrOctets(Nha.GROUP_TYPE, Uint8Array.of(NexthopGroupType.RESILIENT, 0));
  const nest = writer.beginNest(Nha.RES_GROUP | NlAttr.NESTED);
  writer.attrOctets(NhaResGroup.BUCKETS, Uint8Array.of(BUCKETS, 0));
  writer.attrU32(NhaResGroup.IDLE_TIMER, 0).attrU32(NhaResGroup.UNBALANCED_TIMER, 0);
  return writer.endNest(nest);
}

export const isResilient = ({ view }: Message, at: number): boolean =>
  view.getUint16(at, true) === NexthopGroupType.RESILIENT;
