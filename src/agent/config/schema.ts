import { type Static, type TSchema, Type } from "@sinclair/typebox";

/**
 * The shape of the configuration file: the one place that says which keys there are. The file is
 * checked against it, editors complete from it (`edgeJsonSchema`), `docs/configuration.md` explains
 * it. A `description` finishes the sentence that refuses a value ("expected …"); `code` is the code
 * of that problem where it is not E005.
 */
const { Integer, Object: Mapping, Optional, String: Text } = Type;

const strict = <Keys extends Record<string, TSchema>>(
  keys: Keys,
  description = `a mapping of ${Object.keys(keys).slice(0, 4).join(", ")} …`,
) => Mapping(keys, { additionalProperties: false, description });

const list = <Item extends TSchema>(item: Item, description: string) =>
  Type.Array(item, { description, maxItems: 100_000 });

const format = (name: string, description: string, code = "E005") =>
  Text({ format: name, description, code });

const word = <Words extends string>(...words: readonly Words[]) =>
  Type.Unsafe<Words>({ type: "string", enum: words, description: `one of ${words.join(", ")}` });

const whole = (minimum: number, maximum: number) =>
  Integer({ minimum, maximum, description: `a whole number from ${minimum} to ${maximum}` });

const either = <Items extends TSchema[]>(description: string, ...items: [...Items]) =>
  Type.Union<Items>(items, { description });

const NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_.-]{0,62}$";
const NAME_EXPECTS = "a name of letters, digits, dots, dashes and underscores, a letter first";
const Name = Text({ pattern: NAME_PATTERN, description: NAME_EXPECTS });
const Names = either("a name or a list of names", Name, list(Name, "a list of names"));
const named = <Item extends TSchema>(item: Item) =>
  Type.Record(Text({ pattern: NAME_PATTERN }), item, {
    additionalProperties: false,
    description: NAME_EXPECTS,
  });

const Duration = format("duration", "a time with its unit, as in 300ms, 30s or 5m", "E006");
const Bandwidth = format("bandwidth", "a rate with its unit, as in 100Mbps or 1Gbps", "E006");
const Percent = format("percent", "a percentage from 1% to 100%", "E006");
const Address = format("address", "an IPv4 or IPv6 address");
const Address4 = format("address4", "an IPv4 address");
const LinkAddress = format("link-address", "an address with its mask, as in 10.0.1.2/30");
const Prefix = format("prefix", "a prefix without host bits, as in 10.1.0.0/16");
const Community = format("community", "a community such as 65010:1 or no-export");
const As = either(
  "an AS number from 1 to 4294967295, as in 45104 or AS45104",
  Integer({ minimum: 1, maximum: 0xffff_ffff }),
  Text({ format: "as-number" }),
);
const Switch = word("on", "off");
const Port = whole(1, 65535);
const Device = Text({ minLength: 1, description: "the name of a network interface" });
const Path = Text({ minLength: 1, description: "a path" });
/** What the kernel's `sun_path` holds. */
const SocketPath = Text({ minLength: 1, maxLength: 107, description: "a path of 1 to 107 octets" });

/** A value of this kind is never shown, not even where it is refused. */
const isSecret = true;
const CREDENTIAL = { pattern: "^[A-Za-z0-9_.-]+$", description: "a credential's name", isSecret };
const VARIABLE = {
  pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
  description: "a variable's name",
  isSecret,
};
const SECRET = {
  description: "one of { credential: NAME }, { file: PATH }, { env: NAME }",
  additionalProperties: false,
  isSecret,
};
const SecretPlace = Mapping(
  { credential: Optional(Text(CREDENTIAL)), file: Optional(Path), env: Optional(Text(VARIABLE)) },
  SECRET,
);
const Secret = Type.Union([Text(), SecretPlace], { description: SECRET.description, isSecret });

const BfdAuth = strict({
  type: word(
    ...(["simple-password", "keyed-md5", "meticulous-keyed-md5"] as const),
    ...(["keyed-sha1", "meticulous-keyed-sha1"] as const),
  ),
  sendKey: Optional(whole(0, 255)),
  keys: list(strict({ id: whole(0, 255), secret: Secret }), "a list of { id, secret }"),
});

const Bfd = either(
  "on, off, or a mapping",
  Switch,
  strict({
    interval: Optional(Duration),
    tx: Optional(Duration),
    rx: Optional(Duration),
    multiplier: Optional(whole(1, 255)),
    hops: Optional(whole(1, 255)),
    strict: Optional(Type.Boolean({ description: "true or false" })),
    passive: Optional(Type.Boolean({ description: "true or false" })),
    auth: Optional(BfdAuth),
  }),
);

const Flag = Type.Boolean({ description: "true or false" });

/** What circuits and neighbours have in common: the BGP session. */
const session = {
  description: Optional(Text({ maxLength: 200, description: "at most 200 characters" })),
  localAs: Optional(As),
  port: Optional(Port),
  passive: Optional(Flag),
  shutdown: Optional(Flag),
  holdTime: Optional(Duration),
  holdTimeMin: Optional(Duration),
  keepalive: Optional(Duration),
  connectRetry: Optional(Duration),
  sendHoldTime: Optional(Duration),
  capabilities: Optional(
    strict({
      routeRefresh: Optional(Flag),
      enhancedRouteRefresh: Optional(Flag),
      extendedMessage: Optional(Flag),
      fourOctetAs: Optional(Flag),
      gracefulRestart: Optional(Flag),
    }),
  ),
  md5: Optional(Secret),
  gtsm: Optional(strict({ hops: whole(1, 254) })),
  multihop: Optional(whole(2, 255)),
  bfd: Optional(Bfd),
  import: Optional(Names),
  export: Optional(Names),
  maxPrefix: Optional(
    strict({
      limit: whole(1, 10_000_000),
      warnAt: Optional(Percent),
      action: Optional(word("warn", "drop-newest", "reset", "shutdown")),
      restart: Optional(Duration),
    }),
  ),
  budget: Optional(
    either(
      "off, or a mapping with limit",
      word("off"),
      strict({ limit: whole(1, 10_000_000), excess: Optional(word("drop", "refuse")) }),
    ),
  ),
  allowOwnAs: Optional(whole(0, 10)),
  nextHopSelf: Optional(Flag),
  role: Optional(word("provider", "customer", "peer", "rs-server", "rs-client")),
  strictRole: Optional(Flag),
  maintenance: Optional(Flag),
};

const Circuit = strict({
  name: Name,
  profile: Optional(word("alibaba-vbr", "none")),
  interface: Optional(
    strict({
      parent: Optional(Device),
      vlan: Optional(whole(0, 4094)),
      device: Optional(Device),
      mtu: Optional(whole(576, 9216)),
    }),
  ),
  local: LinkAddress,
  remote: Address,
  ipv6: Optional(strict({ local: LinkAddress, remote: Address })),
  remoteAs: Optional(As),
  weight: Optional(whole(1, 256)),
  capacity: Optional(Bandwidth),
  ...session,
});

const Neighbor = strict({
  name: Name,
  remote: Address,
  local: Optional(Address),
  remoteAs: As,
  device: Optional(Device),
  families: Optional(list(word("ipv4", "ipv6"), "a list of ipv4, ipv6")),
  routeReflectorClient: Optional(Flag),
  ...session,
});

const Router = strict({
  name: Name,
  as: As,
  id: Address4,
  listen: Optional(
    strict({
      addresses: Optional(list(Address, "a list of addresses")),
      port: Optional(Port),
    }),
  ),
});

const Announcement = strict({
  prefix: Prefix,
  rank: Optional(whole(1, 1_000_000)),
  communities: Optional(list(Community, "a list of communities")),
  coversLinks: Optional(Flag),
});

const Failback = either(
  "immediate, or a mapping of soak, step, flaps, per",
  word("immediate"),
  strict({
    soak: Optional(Duration),
    step: Optional(Duration),
    flaps: Optional(either("off, or a whole number from 1 to 1000", word("off"), whole(1, 1000))),
    per: Optional(Duration),
  }),
);

const Failover = strict({
  mode: Optional(word("ecmp", "active-standby")),
  order: Optional(list(Name, "a list of circuits")),
  load: Optional(Bandwidth),
  failback: Optional(Failback),
});

const U32 = whole(0, 0xffff_ffff);
const Range = either(
  "a number, or { min, max }",
  U32,
  strict({ min: Optional(U32), max: Optional(U32) }),
);
const Length = either("a prefix length, as in /24", whole(0, 128), Text({ format: "length" }));
const Texts = either("a text or a list of texts", Text(), list(Text(), "a list of texts"));
const CommunityTexts = list(Text(), "a list of communities");
const Ases = either("an AS number or a list of them", As, list(As, "a list of AS numbers"));
const OriginWord = word("igp", "egp", "incomplete");
const rule = { permit: Optional(Text()), deny: Optional(Text()) };
const PrefixEntry = either(
  "a prefix, or { permit or deny, ge, le }",
  Text(),
  strict({ ...rule, ge: Optional(Length), le: Optional(Length) }),
);
const PrefixEntries = list(PrefixEntry, "a list of prefixes");
const AsPathEntry = either("a pattern, or { permit or deny }", Text(), strict(rule));

const matchKeys = {
  prefix: Optional(either("a prefix or a list of them", PrefixEntry, PrefixEntries)),
  prefixList: Optional(Names),
  family: Optional(word("ipv4", "ipv6")),
  asPath: Optional(Texts),
  asPathList: Optional(Names),
  asPathLength: Optional(Range),
  asPathContains: Optional(Ases),
  originAs: Optional(Ases),
  neighborAs: Optional(Ases),
  community: Optional(
    either(
      "a community, a list of them, or { any, all, exact }",
      Text(),
      CommunityTexts,
      strict({
        any: Optional(CommunityTexts),
        all: Optional(CommunityTexts),
        exact: Optional(CommunityTexts),
      }),
    ),
  ),
  med: Optional(Range),
  localPref: Optional(Range),
  origin: Optional(
    either("igp, egp, incomplete or a list of them", OriginWord, list(OriginWord, "a list")),
  ),
  nextHop: Optional(Texts),
  peer: Optional(Names),
  peerKind: Optional(word("ebgp", "ibgp")),
  peerAs: Optional(Ases),
};

const Step = strict({ add: Integer({ description: "a whole number" }) });

const Term = strict({
  term: Name,
  match: Optional(strict({ ...matchKeys, not: Optional(strict(matchKeys)) })),
  set: Optional(
    strict({
      localPref: Optional(either("a number, or { add: number }", U32, Step)),
      med: Optional(either("a number, none, or { add: number }", U32, word("none"), Step)),
      origin: Optional(OriginWord),
      asPath: Optional(
        either(
          "remove-private, or { replace: [ASes] }",
          word("remove-private"),
          strict({ replace: list(As, "a list of ASes") }),
        ),
      ),
      prepend: Optional(
        either(
          "a count from 1 to 32, or { as, count }",
          whole(1, 32),
          strict({ as: Optional(As), count: whole(1, 32) }),
        ),
      ),
      community: Optional(
        strict({
          delete: Optional(CommunityTexts),
          set: Optional(CommunityTexts),
          add: Optional(CommunityTexts),
        }),
      ),
      nextHop: Optional(Text()),
    }),
  ),
  action: Optional(word("accept", "reject", "next-term", "next-policy")),
});

const Policy = strict({
  prefixLists: Optional(named(PrefixEntries)),
  asPathLists: Optional(named(list(AsPathEntry, "a list of patterns"))),
  communityLists: Optional(named(CommunityTexts)),
  policies: Optional(named(list(Term, "a list of terms"))),
});

const EdgeFileSchema = strict({
  router: Router,
  circuits: Optional(list(Circuit, "a list of circuits")),
  neighbors: Optional(list(Neighbor, "a list of neighbours")),
  announce: Optional(list(Announcement, "a list of { prefix, rank, communities }")),
  failover: Optional(Failover),
  multipath: Optional(
    strict({
      ebgp: Optional(whole(1, 64)),
      ibgp: Optional(whole(1, 64)),
      relax: Optional(Flag),
    }),
  ),
  policy: Optional(Policy),
  fib: Optional(
    strict({
      kind: Optional(word("kernel", "virtual")),
      table: Optional(whole(1, 0xffff_ffff)),
      proto: Optional(whole(5, 255)),
      metric: Optional(whole(1, 0xffff_ffff)),
    }),
  ),
  api: Optional(
    strict({
      listen: Optional(
        either(
          "off, or an address with its port, as in 127.0.0.1:9179",
          word("off"),
          Text({ format: "endpoint" }),
        ),
      ),
      socket: Optional(
        either("off, or the path of a socket (1 to 107 octets)", word("off"), SocketPath),
      ),
    }),
  ),
  log: Optional(strict({ level: word("debug", "info", "warn", "error") })),
  stateDirectory: Optional(Path),
  allowPlaintextSecrets: Optional(Flag),
});

export type EdgeFile = Static<typeof EdgeFileSchema>;
export type CircuitFile = Static<typeof Circuit>;
export type NeighborFile = Static<typeof Neighbor>;
export type BfdFile = Exclude<Static<typeof Bfd>, string>;
export type BfdAuthFile = Static<typeof BfdAuth>;
export type ApiFile = NonNullable<EdgeFile["api"]>;
export type FailbackFile = NonNullable<NonNullable<EdgeFile["failover"]>["failback"]>;
export type SecretFile = Static<typeof Secret>;
/** The keys circuits and neighbours share. */
export type SessionFile = Pick<CircuitFile, keyof typeof session>;

export const edgeFileSchema: TSchema = EdgeFileSchema;
/** The keys of the file's first level. */
export const SECTIONS: readonly string[] = Object.keys(EdgeFileSchema.properties);

/** The schema as published for editors (`# yaml-language-server: $schema=…`). */
export function edgeJsonSchema(): object {
  const plain: object = JSON.parse(JSON.stringify(EdgeFileSchema));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of the Causeway edge agent",
    ...plain,
  };
}
