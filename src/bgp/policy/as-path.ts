import { SegmentType } from "../wire/iana.ts";
import type { AsSegment, PathAttributes } from "../wire/message.ts";

type AsPath = PathAttributes["asPath"];

export function asPathContains(path: AsPath, ases: ReadonlySet<number>): boolean {
  return path.some((segment) => segment.ases.some((as) => ases.has(as)));
}

/** The AS the route was heard from; undefined where the path is empty or begins with a set. */
export function neighborAs(path: AsPath): number | undefined {
  const first = path.find(isPublic);
  return first?.type === SegmentType.AsSequence ? first.ases[0] : undefined;
}

/** True where the route began in one of `ases`; a path that ends in a set began in any of it. */
export function originatesIn(path: AsPath, ases: ReadonlySet<number>): boolean {
  const last = path.findLast(isPublic);
  if (last === undefined) return false;
  if (last.type === SegmentType.AsSet) return last.ases.some((as) => ases.has(as));
  const origin = last.ases.at(-1);
  return origin !== undefined && ases.has(origin);
}

/** RFC 4271 §5.1.2: onto the first sequence while it has room, else as a sequence of its own. */
export function prependAs(path: AsPath, as: number, count: number): AsPath {
  const added = new Array<number>(count).fill(as);
  const [first, ...rest] = path;
  if (first?.type === SegmentType.AsSequence && first.ases.length + count <= SEGMENT_ASES_MAX) {
    return [{ type: SegmentType.AsSequence, ases: [...added, ...first.ases] }, ...rest];
  }
  return [{ type: SegmentType.AsSequence, ases: added }, ...path];
}

export const sequenceOf = (ases: readonly number[]): AsPath =>
  ases.length === 0 ? [] : [{ type: SegmentType.AsSequence, ases }];

/** Without the ASes for private use (RFC 6996 §5); the very path given where there are none. */
export function withoutPrivate(path: AsPath): AsPath {
  if (!path.some(({ ases }) => ases.some(isPrivateAs))) return path;
  return path.flatMap((segment) => {
    const ases = segment.ases.filter((as) => !isPrivateAs(as));
    return ases.length === 0 ? [] : [{ ...segment, ases }];
  });
}

/** RFC 6996 §5. */
export const isPrivateAs = (as: number): boolean =>
  (as >= 64_512 && as <= 65_534) || (as >= 4_200_000_000 && as <= 4_294_967_294);

/** The text patterns are matched against: `45104 64512 {65001,65002}`, confederations in `()`. */
export function formatAsPath(path: AsPath): string {
  return path.map(formatSegment).join(" ");
}

function formatSegment(segment: AsSegment): string {
  switch (segment.type) {
    case SegmentType.AsSequence:
      return segment.ases.join(" ");
    case SegmentType.AsSet:
      return `{${segment.ases.join(",")}}`;
    case SegmentType.AsConfedSequence:
      return `(${segment.ases.join(" ")})`;
    case SegmentType.AsConfedSet:
      return `(${segment.ases.join(",")})`;
  }
}

const isPublic = (segment: AsSegment): boolean =>
  segment.ases.length > 0 &&
  (segment.type === SegmentType.AsSequence || segment.type === SegmentType.AsSet);

/** The count of a segment is one octet (RFC 4271 §4.3). */
const SEGMENT_ASES_MAX = 255;
