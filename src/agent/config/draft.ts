import { parseAs } from "../../bgp/policy/compile-scope.ts";
import { type AddressOctets, parseAddress } from "../../core/address.ts";
import { assert } from "../../core/assert.ts";
import { type Prefix, parsePrefix } from "../../core/prefix.ts";
import { parseDurationUs, US_PER_SEC } from "../../core/time.ts";
import type { Path } from "./problem.ts";
import { BFD_PLAIN, PLAIN, type Profile, profileOf } from "./profiles.ts";
import type { SoundFile } from "./prune.ts";
import type { BfdFile, CircuitFile, EdgeFile, NeighborFile, SessionFile } from "./schema.ts";
import { type LinkAddress, parseLinkAddress } from "./units.ts";

/**
 * The file with texts read, profiles and defaults filled in, and each part's place kept: what the
 * lint judges and the build turns into an `EdgeConfig`. Nothing has been refused yet.
 */
export interface Draft {
  readonly file: EdgeFile;
  readonly isWhole: boolean;
  readonly localAs: number;
  readonly circuits: readonly CircuitDraft[];
  readonly neighbors: readonly SessionDraft[];
  readonly announce: readonly AnnounceDraft[];
}

export interface CircuitDraft {
  readonly path: Path;
  readonly source: CircuitFile;
  readonly profile: Profile;
  /** Empty where the file names none: routing decides. */
  readonly device: string;
  readonly parent: string | undefined;
  /** 0 is the interface itself. */
  readonly vlanId: number;
  readonly links: readonly LinkDraft[];
  readonly sessions: readonly SessionDraft[];
}

/** The addresses of one family on a circuit. */
export interface LinkDraft {
  readonly localPath: Path;
  readonly remotePath: Path;
  readonly local: LinkAddress;
  readonly remote: AddressOctets;
}

export interface SessionDraft {
  readonly path: Path;
  readonly name: string;
  readonly source: SessionFile;
  readonly profile: Profile;
  readonly circuit: string | undefined;
  readonly device: string | undefined;
  readonly remotePath: Path;
  readonly remote: AddressOctets;
  readonly local: AddressOctets | undefined;
  readonly localAs: number;
  readonly remoteAs: number;
  readonly kind: "ebgp" | "ibgp";
  readonly families: readonly ("ipv4" | "ipv6")[];
  readonly holdTimeUs: number;
  readonly holdTimeMinUs: number;
  readonly keepaliveUs: number;
  readonly connectRetryUs: number;
  readonly sendHoldTimeUs: number;
  readonly bfd: BfdDraft | undefined;
  readonly importNames: readonly string[];
  readonly exportNames: readonly string[];
  readonly isRouteReflectorClient: boolean;
}

export interface BfdDraft {
  readonly source: BfdFile;
  readonly txUs: number;
  readonly rxUs: number;
  readonly multiplier: number;
  readonly hops: number;
  /** The file says so, rather than the profile. */
  readonly isHopsWritten: boolean;
}

export interface AnnounceDraft {
  readonly path: Path;
  readonly prefix: Prefix;
  readonly text: string;
  readonly rank: number;
  readonly communities: readonly string[];
  /** The operator says that it is meant to contain link subnets. */
  readonly coversLinks: boolean;
}

export function draftOf({ file, places, isWhole }: SoundFile): Draft {
  const localAs = readAs(file.router.as);
  const circuits = (file.circuits ?? []).map((source, index) =>
    circuitDraft(source, ["circuits", places.circuits[index] ?? index], localAs),
  );
  const neighbors = (file.neighbors ?? []).map((source, index) =>
    neighborDraft(source, ["neighbors", places.neighbors[index] ?? index], localAs),
  );
  const announce = (file.announce ?? []).map((source, index): AnnounceDraft => {
    return {
      path: ["announce", places.announce[index] ?? index],
      prefix: sound(parsePrefix(source.prefix)),
      text: source.prefix,
      rank: source.rank ?? RANK_DEFAULT,
      communities: source.communities ?? [],
      coversLinks: source.coversLinks ?? false,
    };
  });
  return { file, isWhole, localAs, circuits, neighbors, announce };
}

export const sessionsOf = (draft: Draft): readonly SessionDraft[] => [
  ...draft.circuits.flatMap((circuit) => circuit.sessions),
  ...draft.neighbors,
];

/** How many prefixes may be announced; undefined is no limit. */
export function budgetLimitOf({ source, profile }: SessionDraft): number | undefined {
  if (source.budget === "off") return undefined;
  return source.budget?.limit ?? profile.budgetLimit;
}

function circuitDraft(source: CircuitFile, path: Path, routerAs: number): CircuitDraft {
  const profile = profileOf(source.profile);
  const { parent, vlan = 0, device } = source.interface ?? {};
  const vlanDevice = vlan === 0 ? parent : `${parent}.${vlan}`;
  const name = device ?? (parent === undefined ? "" : vlanDevice) ?? "";
  const links: LinkDraft[] = [linkDraft(source, path)];
  if (source.ipv6 !== undefined) links.push(linkDraft(source.ipv6, [...path, "ipv6"]));
  const common = { path, source, profile, circuit: source.name, device: name || undefined };
  const sessions = links.map((link, index): SessionDraft => {
    const family = link.remote.length === 4 ? "ipv4" : "ipv6";
    return {
      ...common,
      ...sessionOptions(source, profile),
      name: index === 0 ? source.name : `${source.name}-v6`,
      remotePath: link.remotePath,
      remote: link.remote,
      local: link.local.address,
      ...asNumbers(source.remoteAs ?? profile.remoteAs ?? 0, source.localAs ?? routerAs),
      families: [family],
      isRouteReflectorClient: false,
    };
  });
  return { path, source, profile, device: name, parent, vlanId: vlan, links, sessions };
}

function linkDraft(source: { readonly local: string; readonly remote: string }, path: Path) {
  return {
    localPath: [...path, "local"],
    remotePath: [...path, "remote"],
    local: sound(parseLinkAddress(source.local)),
    remote: sound(parseAddress(source.remote)),
  };
}

function neighborDraft(source: NeighborFile, path: Path, routerAs: number): SessionDraft {
  const remote = sound(parseAddress(source.remote));
  const as = asNumbers(source.remoteAs, source.localAs ?? routerAs);
  return {
    path,
    source,
    profile: PLAIN,
    circuit: undefined,
    ...sessionOptions(source, PLAIN),
    name: source.name,
    remotePath: [...path, "remote"],
    remote,
    local: source.local === undefined ? undefined : sound(parseAddress(source.local)),
    device: source.device,
    ...as,
    families: source.families ?? [remote.length === 4 ? "ipv4" : "ipv6"],
    isRouteReflectorClient: source.routeReflectorClient ?? false,
  };
}

function asNumbers(remote: number | string, local: number | string) {
  const remoteAs = remote === 0 ? 0 : readAs(remote);
  const localAs = readAs(local);
  return { remoteAs, localAs, kind: remoteAs === localAs ? "ibgp" : "ebgp" } as const;
}

function sessionOptions(source: SessionFile, profile: Profile) {
  const holdTimeUs = durationOr(source.holdTime, profile.holdTimeSec * US_PER_SEC);
  // A shorter hold time that is written pulls a keepalive that is not along with it.
  const keepaliveDefault = Math.min(
    profile.keepaliveTimeSec,
    Math.max(1, Math.floor(holdTimeUs / US_PER_SEC / 3)),
  );
  return {
    holdTimeUs,
    holdTimeMinUs: durationOr(
      source.holdTimeMin,
      holdTimeUs < HOLD_TIME_MIN_US ? 0 : HOLD_TIME_MIN_US,
    ),
    keepaliveUs: durationOr(source.keepalive, keepaliveDefault * US_PER_SEC),
    connectRetryUs: durationOr(source.connectRetry, CONNECT_RETRY_US),
    sendHoldTimeUs: durationOr(source.sendHoldTime, sendHoldDefault(holdTimeUs)),
    bfd: bfdDraft(source, profile),
    importNames: namesOf(source.import, profile.importNames),
    exportNames: namesOf(source.export, profile.exportNames),
  };
}

function bfdDraft(source: SessionFile, profile: Profile): BfdDraft | undefined {
  const { bfd } = source;
  if (bfd === "off" || (bfd === undefined && profile.bfd === undefined)) return undefined;
  const written = typeof bfd === "object" ? bfd : {};
  const base = profile.bfd ?? { ...BFD_PLAIN, hops: source.multihop ?? BFD_PLAIN.hops };
  const intervalUs = durationOr(written.interval, base.intervalUs);
  return {
    source: written,
    txUs: durationOr(written.tx, intervalUs),
    rxUs: durationOr(written.rx, intervalUs),
    multiplier: written.multiplier ?? base.multiplier,
    hops: written.hops ?? base.hops,
    isHopsWritten: written.hops !== undefined,
  };
}

/** RFC 9687 §5: eight minutes or twice the hold time, whichever is longer. */
const sendHoldDefault = (holdTimeUs: number): number =>
  holdTimeUs === 0 ? 0 : Math.max(480 * US_PER_SEC, holdTimeUs * 2);

const namesOf = (
  written: string | readonly string[] | undefined,
  fallback: readonly string[],
): readonly string[] => (typeof written === "string" ? [written] : (written ?? fallback));

const durationOr = (text: string | undefined, fallbackUs: number): number =>
  text === undefined ? fallbackUs : sound(parseDurationUs(text));

const readAs = (source: number | string): number => sound(parseAs(source));

/** The schema's formats are the same functions, so what passed it can be read. */
function sound<Value>(value: Value | undefined): Value {
  assert(value !== undefined, "what the schema accepted can be read");
  return value;
}

/** Prefixes without a rank go before those that have one. */
const RANK_DEFAULT = 1_000_000;
const HOLD_TIME_MIN_US = 3 * US_PER_SEC;
const CONNECT_RETRY_US = 5 * US_PER_SEC;
