import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import t from "tap";
import { CODES } from "../../../../src/agent/config/codes.ts";
import { formatProblems } from "../../../../src/agent/config/document.ts";
import type { EdgeConfig, NeighborConfig } from "../../../../src/agent/config/edge-config.ts";
import { effectiveConfig } from "../../../../src/agent/config/effective.ts";
import {
  type ConfigEnvironment,
  rehearsalEnvironment,
} from "../../../../src/agent/config/environment.ts";
import { loadEdgeConfig } from "../../../../src/agent/config/load.ts";
import { edgeJsonSchema } from "../../../../src/agent/config/schema.ts";
import type { Policy } from "../../../../src/bgp/policy/policy.ts";
import { Origin, SegmentType, WellKnownCommunity } from "../../../../src/bgp/wire/iana.ts";
import type { PathAttributes } from "../../../../src/bgp/wire/message.ts";
import { assert } from "../../../../src/core/assert.ts";
import { parsePrefix } from "../../../../src/core/prefix.ts";
import { err, ok } from "../../../../src/core/result.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), ..."../../../../..".split("/"));
const fixture = (...names: string[]) => readFileSync(join(root, "fixtures", ...names), "utf8");
const EDGE = fixture("agent", "edge.yaml");

const FILES: Readonly<Record<string, { readonly text: string; readonly mode: number }>> = {
  "/creds/bgp-circuit-1": { text: "swordfish-one\n", mode: 0o100400 },
  "/creds/bgp-circuit-2": { text: "swordfish-two\n", mode: 0o100440 },
  "/etc/open-key": { text: "swordfish-open\n", mode: 0o100644 },
  "/etc/long-key": { text: "swordfish".repeat(10), mode: 0o100400 },
  key: { text: "swordfish-key", mode: 0o100400 },
};

const ENVIRONMENT: ConfigEnvironment = {
  variable: (name) => {
    return { CREDENTIALS_DIRECTORY: "/creds", BGP_KEY: "swordfish-env" }[name];
  },
  readSecretFile: (file) => {
    const found = FILES[file];
    return found === undefined ? err("there is no such file") : ok(found);
  },
};

const load = (text: string, environment = ENVIRONMENT) =>
  loadEdgeConfig("edge.yaml", text, environment);

function sound(text: string): EdgeConfig {
  const { config, problems } = load(text);
  assert(config !== undefined, `it loads: ${formatProblems(problems)}`);
  return config;
}

/** A file with two circuits, and whatever is added. */
const twoCircuits = (more: string): string => `
router: { name: edge-1, as: 65010, id: 10.255.0.1 }
circuits:
  - { name: circuit-1, profile: alibaba-vbr, local: 10.0.1.2/30, remote: 10.0.1.1 }
  - { name: circuit-2, profile: alibaba-vbr, local: 10.0.2.2/30, remote: 10.0.2.1 }
announce:
  - { prefix: 10.1.0.0/16, rank: 1 }
${more}`;

function sessionOf(config: EdgeConfig, name: string): NeighborConfig {
  const sessions = [...config.circuits.flatMap((one) => one.sessions), ...config.neighbors];
  const found = sessions.find((session) => session.name === name);
  assert(found !== undefined, `there is a session ${name}`);
  return found;
}

function judge(policy: Policy, prefixText: string, attributes: Partial<PathAttributes> = {}) {
  const prefix = parsePrefix(prefixText);
  assert(prefix !== undefined, `${prefixText} is a prefix`);
  const {
    verdict,
    by,
    attributes: after,
  } = policy.evaluate({
    ...prefix,
    attributes: {
      origin: Origin.Igp,
      asPath: [{ type: SegmentType.AsSequence, ases: [45104] }],
      nextHop: Uint8Array.of(10, 0, 1, 1),
      ...attributes,
    },
    peer: {
      name: "circuit-1",
      kind: "ebgp",
      remoteAs: 45104,
      localAs: 65010,
      localAddress4: undefined,
      localAddress6: undefined,
    },
  });
  return { verdict, by, after };
}

t.test("the complete example loads without a word, every section in its place", async (t) => {
  const { config, problems } = load(EDGE);
  t.equal(formatProblems(problems), "");
  assert(config !== undefined, "there is a configuration");
  t.match(config, {
    name: "edge-1",
    localAs: 65010,
    listen: { addresses: ["0.0.0.0", "::"], port: 179 },
    failover: { mode: "active-standby", order: ["circuit-1", "circuit-2"], loadBps: 6e8 },
    fib: { kind: "kernel", table: 254, proto: 186, metric: 20 },
    api: { listen: { address: "127.0.0.1", port: 9179 }, socketPath: "/run/causeway/edge.sock" },
    stateDirectory: "/var/lib/causeway",
  });
  t.match(config.circuits[0], {
    device: "eth1.100",
    vlan: { parent: "eth1", id: 100, addresses: ["10.0.1.2/30", "fd00:0:0:1::2/126"], mtu: 1500 },
    capacityBps: 1e9,
  });
  t.same(
    config.circuits.flatMap((circuit) => circuit.sessions.map((session) => session.name)),
    ["circuit-1", "circuit-1-v6", "circuit-2"],
  );
  const one = sessionOf(config, "circuit-1");
  t.match(one, {
    remoteAs: 45104,
    holdTimeSec: 30,
    keepaliveTimeSec: 10,
    ttl: 1,
    minTtl: undefined,
    families: ["ipv4-unicast"],
    bfd: { mode: "multihop", minTtl: 1, desiredMinTxIntervalUs: 300_000, detectMult: 3 },
    maxPrefix: { limit: 1000, warnAtPercent: 80, action: "warn" },
    budget: { limit: 110 },
  });
  t.equal(one.md5Key?.reveal(), "swordfish-one", "the line end is not part of the key");
  t.match(sessionOf(config, "core"), {
    remoteAs: 65020,
    holdTimeSec: 9,
    ttl: 255,
    minTtl: 255,
    bfd: { mode: "single-hop", minTtl: 255 },
    maxPrefix: { action: "reset", restartSec: 300 },
  });
  t.match(sessionOf(config, "edge-2"), { ttl: 255, nextHopSelf: true, bfd: undefined });
});

t.test("profile and plain defaults", async (t) => {
  const config = sound(
    twoCircuits(`
neighbors:
  - { name: far, remote: 192.168.7.1, remoteAs: AS65100, multihop: 3, bfd: on, holdTime: 12s }
`),
  );
  t.match(sessionOf(config, "circuit-1"), {
    bfd: { desiredMinTxIntervalUs: 1_000_000, detectMult: 3, mode: "multihop", minTtl: 1 },
    importPolicy: { name: "cloud-in" },
    exportPolicy: { name: "announce-own" },
    budget: { limit: 110, ranks: [{ prefix: "10.1.0.0/16", rank: 1 }] },
  });
  t.match(sessionOf(config, "far"), {
    ttl: 3,
    holdTimeSec: 12,
    keepaliveTimeSec: 4,
    holdTimeSecMin: 3,
    sendHoldTimeSec: 480,
    bfd: { mode: "multihop", minTtl: 253, desiredMinTxIntervalUs: 300_000 },
    importPolicy: { name: "reject-all" },
    exportPolicy: { name: "reject-all" },
    maxPrefix: undefined,
    budget: undefined,
  });
  t.equal(
    sessionOf(config, "circuit-1").exportPolicy,
    sessionOf(config, "circuit-2").exportPolicy,
    "circuits of the same policies share one object, so one update group",
  );
  t.match(load(fixture("lab", "edge.yaml")), { problems: [], config: { name: "edge-1" } });
});

t.test("cloud-in: nothing that would turn our own traffic around", async (t) => {
  const policy = sessionOf(sound(twoCircuits("")), "circuit-1").importPolicy;
  const cases = [
    ["10.64.0.0/16", "accept", "rest"],
    ["10.0.0.0/8", "accept", "rest"],
    ["100.100.0.0/16", "accept", "rest"],
    ["100.64.0.0/11", "accept", "rest"],
    ["100.64.0.0/10", "reject", "service-range"],
    ["0.0.0.0/0", "reject", "default-route"],
    ["::/0", "reject", "default-route"],
    ["10.1.0.0/16", "reject", "own-networks"],
    ["10.1.9.0/24", "reject", "own-networks"],
    ["10.0.1.0/30", "reject", "link-subnets"],
    ["10.0.2.1/32", "reject", "link-subnets"],
    ["127.0.0.0/8", "reject", "martians"],
    ["224.0.0.0/24", "reject", "martians"],
    ["fe80::/64", "reject", "martians"],
  ] as const;
  for (const [prefix, verdict, term] of cases) {
    t.match(judge(policy, prefix), { verdict, by: `cloud-in/${term}` }, prefix);
  }
  const communities = [WellKnownCommunity.GracefulShutdown];
  const { verdict, after } = judge(policy, "10.64.0.0/16", { communities, localPref: 500 });
  t.same([verdict, after.localPref], ["accept", 0], "RFC 8326 §4");
});

t.test("announce-own exports the list and nothing else", async (t) => {
  const policy = sessionOf(sound(twoCircuits("")), "circuit-1").exportPolicy;
  t.equal(judge(policy, "10.1.0.0/16").verdict, "accept");
  for (const prefix of ["10.1.1.0/24", "10.0.0.0/8", "0.0.0.0/0"]) {
    t.equal(judge(policy, prefix).verdict, "reject", prefix);
  }
  const empty = sound(twoCircuits("").replace(/announce:[\s\S]*/, ""));
  t.equal(judge(sessionOf(empty, "circuit-1").exportPolicy, "10.1.0.0/16").verdict, "reject");
});

t.test("active-standby: preferences fall, paths grow, policies still decide", async (t) => {
  const config = sound(
    twoCircuits("failover: { mode: active-standby, order: [circuit-2, circuit-1] }"),
  );
  const seen = ["circuit-2", "circuit-1"].map((name) => {
    const { importPolicy, exportPolicy } = sessionOf(config, name);
    const inward = judge(importPolicy, "10.64.0.0/16");
    const outward = judge(exportPolicy, "10.1.0.0/16", { asPath: [] });
    t.equal(judge(importPolicy, "10.1.0.0/16").verdict, "reject");
    t.equal(judge(exportPolicy, "10.9.0.0/16").verdict, "reject");
    return [inward.after.localPref, outward.after.asPath.flatMap((segment) => segment.ases)];
  });
  t.same(seen, [
    [120, []],
    [110, [65010]],
  ]);
  const communities = [WellKnownCommunity.GracefulShutdown];
  const { importPolicy } = sessionOf(config, "circuit-2");
  t.equal(judge(importPolicy, "10.64.0.0/16", { communities }).after.localPref, 0);
  const none = sound(
    twoCircuits("failover: { mode: active-standby }").replaceAll(
      "profile: alibaba-vbr",
      "remoteAs: 65100",
    ),
  );
  t.equal(sessionOf(none, "circuit-1").importPolicy.name, "reject-all", "RFC 8212 §2 comes first");
});

t.test("bad files: exactly the problems their comments expect", async (t) => {
  const names = readdirSync(join(root, "fixtures", "agent", "bad"));
  t.ok(names.length >= 14);
  for (const name of names) {
    const text = fixture("agent", "bad", name);
    const expected = [...text.matchAll(/^# expect (.*)$/gm)].map((found) => found[1]);
    const { config, problems } = load(text);
    const actual = problems.map(({ line, column, code, message }) => {
      return `${line}:${column} ${code} ${message}`;
    });
    t.same(actual, expected, name);
    const hasErrors = problems.some((problem) => problem.severity === "error");
    t.equal(config === undefined, hasErrors, `${name}: a configuration exactly without errors`);
    t.notMatch(formatProblems(problems), /hunter2|swordfish|12345/, `${name}: no secret is shown`);
  }
});

t.test("codes: in the table, in the documents, in a bad file, in the code", async (t) => {
  const documented = [
    ...readFileSync(join(root, "docs", "codes.md"), "utf8").matchAll(/^### ([EW]\d{3}) (.*)$/gm),
  ].map(([, code, title]) => [code, title]);
  t.same(documented, Object.entries(CODES), "docs/codes.md has each, with the same title");
  const shown = readdirSync(join(root, "fixtures", "agent", "bad"))
    .map((name) => fixture("agent", "bad", name))
    .join("\n");
  const sources = readdirSync(join(root, "src", "agent", "config"))
    .filter((name) => name !== "codes.ts")
    .map((name) => readFileSync(join(root, "src", "agent", "config", name), "utf8"))
    .join("\n");
  for (const code of Object.keys(CODES)) {
    t.match(shown, new RegExp(`^# expect \\d+:\\d+ ${code} `, "m"), `a bad file shows ${code}`);
    t.ok(sources.includes(`"${code}"`), `${code} is reported somewhere`);
  }
  const reported = new Set([...sources.matchAll(/"([EW]\d{3})"/g)].map(([, code]) => code));
  t.same(
    [...reported].filter((code) => !Object.hasOwn(CODES, code ?? "")),
    [],
  );
});

t.test("the published schema is the schema; every key has its place in the docs", async (t) => {
  t.same(JSON.parse(fixture("agent", "edge.schema.json")), edgeJsonSchema());
  const page = readFileSync(join(root, "docs", "configuration.md"), "utf8");
  const keys = new Set<string>();
  const collect = (schema: object): void => {
    for (const [name, value] of Object.entries(schema)) {
      if (typeof value !== "object" || value === null) continue;
      if (name === "properties") for (const key of Object.keys(value)) keys.add(key);
      collect(value);
    }
  };
  collect(edgeJsonSchema());
  t.ok(keys.size > 90, `${keys.size} keys`);
  for (const key of keys) {
    t.match(page, new RegExp(`\`[^\`\n]*\\b${key}\\b[^\`\n]*\``), `its page says ${key}`);
  }
});

t.test("secrets: read where they are, printed nowhere", async (t) => {
  const text = twoCircuits(`
neighbors:
  - name: core
    remote: 192.168.10.1
    remoteAs: 65020
    md5: { file: key }
    bfd: { hops: 1, auth: { type: keyed-sha1, keys: [{ id: 7, secret: { file: key } }] } }
`);
  const config = sound(text);
  const core = sessionOf(config, "core");
  t.equal(core.md5Key?.reveal(), "swordfish-key");
  t.equal(`${core.md5Key}`, "***");
  t.equal(Buffer.from(core.bfd?.auth?.keys[0]?.secret ?? []).toString(), "swordfish-key");
  t.notMatch(JSON.stringify(effectiveConfig(config)), /swordfish/);
  t.notMatch(JSON.stringify(effectiveConfig(sound(EDGE))), /swordfish/);
  const plain = text.replace("md5: { file: key }", "md5: swordfish-plain");
  t.match(load(plain).problems, [{ code: "W304" }, { code: "W305" }, { code: "E501" }]);
  const allowed = sound(`${plain}\nallowPlaintextSecrets: true\n`);
  t.equal(sessionOf(allowed, "core").md5Key?.reveal(), "swordfish-plain");
  const bare: ConfigEnvironment = { ...ENVIRONMENT, variable: () => undefined };
  t.match(load(EDGE, bare).problems, [{ code: "E502" }, { code: "E502" }]);
  t.same(load(EDGE, rehearsalEnvironment).problems, [], "a production file can be rehearsed");
});

t.test("secrets: not even where they are in the wrong place or not quoted", async (t) => {
  const wrong = [
    "swordfish",
    "*swordfish",
    "!swordfish",
    "{ swordfish }",
    "{ env: swordfish! }",
    "{ credential: swordfish* }",
    "[swordfish]",
    "{ swordfish: 1, file: x }",
    "{ file: [swordfish] }",
    "!!swordfish x",
    "&swordfish",
    "%swordfish",
    "@swordfish",
    "swordfish: x",
    "'swordfish",
  ];
  for (const md5 of wrong) {
    const { config, problems } = load(
      twoCircuits(`neighbors:\n  - { name: n, remoteAs: 1, remote: 10.9.9.9, md5: ${md5} }\n`),
    );
    t.equal(config, undefined, md5);
    t.notMatch(JSON.stringify(problems), /swordfish/, md5);
  }
});

t.test("effective: defaults, units, policies by name", async (t) => {
  const effective = effectiveConfig(sound(EDGE));
  t.match(effective, {
    localAs: 65010,
    circuits: [{ capacity: "1Gbps", sessions: [{ holdTime: "30s", md5Key: "***" }] }],
    failover: { load: "600Mbps" },
    multipath: { ebgpPathsMax: 32 },
  });
  t.match(JSON.stringify(effective), /"importPolicy":"failover-0-in cloud-in"/);
  t.match(JSON.stringify(effective), /"desiredMinTxInterval":"300ms"/);
  t.same(JSON.parse(JSON.stringify(effective)), effective, "plain data");
});

t.test("one fault hides no other: the sound rest is judged", async (t) => {
  const text = twoCircuits("failover: { mode: active-standby, order: [circuit-1, circuit-2] }")
    .replace("remote: 10.0.1.1", "remote: nowhere")
    .replace("local: 10.0.2.2/30", "local: 10.0.2.2/31");
  t.match(
    load(text).problems.map(({ line, code }) => [line, code]),
    [
      [4, "E005"],
      [5, "E403"],
      [5, "E401"],
    ],
    "and the order that names the circuit left out is not held against it",
  );
});

t.test("documents nobody writes on purpose", async (t) => {
  const cases: [text: string, code: string][] = [
    ["", "E007"],
    ["42", "E007"],
    ["\u0000", "E007"],
    ["a: &a [*a]", "E003"],
    ["router: &r { name: *r }", "E005"],
    ["%YAML 1.1\n---\nrouter: on", "E005"],
    ["router: !!binary aGk=", "E001"],
    ["a: 1\n---\nb: 2", "E001"],
    ["? [a]\n: b", "E003"],
    ["__proto__: { name: x }", "E003"],
    ["constructor: 1", "E003"],
    ["- ".repeat(50_000), "E008"],
    ["[".repeat(50_000), "E008"],
    ["{a: ".repeat(5_000), "E008"],
    ["? ".repeat(50_000), "E008"],
    [" ".repeat(50_000), "E008"],
    ["   \n# nothing\n", "E007"],
    ["a: b\n".repeat(300_000), "E008"],
    [
      ["a: &a [1,1,1,1,1,1,1,1,1,1]", ..."bcdefghij"]
        .map((line, index, all) => {
          const before = index === 1 ? "a" : all[index - 1];
          return index === 0 ? line : `${line}: &${line} [${`*${before},`.repeat(10)}]`;
        })
        .join("\n"),
      "E008",
    ],
  ];
  for (const [text, code] of cases) {
    const { config, problems } = load(text);
    t.equal(config, undefined);
    t.ok(
      problems.some((problem) => problem.code === code),
      `${code} for ${JSON.stringify(text.slice(0, 30))}: ${formatProblems(problems).slice(0, 200)}`,
    );
  }
});

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
  readonly isWord: boolean;
}

t.test("any mutation of a good file: no exception, every problem has its place", async (t) => {
  const words = ["~", "[]", "{}", "on", "-1", "1e99", ".nan", "&x", "*x", "!!str", "'", '"', "\t"];
  const values = ["0", "65536", "10.0.0.0/33", "::/0", "AS0", "5", "0s", "1us", "99999999h", "off"];
  const token = fc.constantFrom(...words, ...values, "#", ": ", "- ", "\n", "\u2028", "😀");
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(12),
    insert: fc.oneof(token, fc.string({ maxLength: 4 }), fc.constant("")),
    isWord: fc.boolean(),
  });
  const lines = EDGE.split("\n");
  const mutate = (text: string, { at, remove, insert, isWord }: Edit): string => {
    let offset = Math.floor(at * text.length);
    let length = remove;
    if (isWord) {
      // A whole scalar goes: what stands there still parses, and something else is wrong.
      offset += /[\w.:/-]/.exec(text.slice(offset))?.index ?? 0;
      length = /^[\w./-]*/.exec(text.slice(offset))?.[0].length ?? 0;
    }
    return text.slice(0, offset) + insert + text.slice(offset + length);
  };
  let loaded = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), fc.nat(), (edits, drop) => {
      const kept = drop % 3 === 0 ? lines.filter((_, i) => i !== drop % lines.length) : lines;
      const text = edits.reduce(mutate, kept.join("\n"));
      const { config, problems } = load(text);
      if (config !== undefined) loaded += 1;
      const count = text.split(/\r\n?|\n/).length;
      const hasErrors = problems.some((problem) => problem.severity === "error");
      return (
        (config === undefined) === hasErrors &&
        problems.every(({ line, column, code, message, file }) => {
          const isPlaced = line >= 1 && line <= count && column >= 1 && file === "edge.yaml";
          return isPlaced && Object.hasOwn(CODES, code) && message.length > 0;
        }) &&
        !/swordfish/.test(formatProblems(problems))
      );
    }),
    { numRuns: 300 },
  );
  t.ok(loaded > 20, `${loaded} mutations still load`);
});
