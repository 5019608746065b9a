/** Held against FRR 8.4: BGP with MD5, GTSM and IPv6, BFD single hop and multihop. */
import t from "tap";
import { Edge } from "./edge.ts";
import { Bench, eventually, Frr, whySkip } from "./routers.ts";

const skip = whySkip("frr");
const LINK = [
  ["10.0.0.1/30", "10.0.0.2/30"],
  ["2001:db8::1/64", "2001:db8::2/64"],
] as const;

const OPEN_POLICY = `
policy:
  policies:
    all: [{ term: everything, action: accept }]
`;

const frrUp = (frr: Frr, address: string) =>
  eventually(
    () => frr.json(`show bgp neighbors ${address}`),
    (answer) => JSON.stringify(answer).includes('"bgpState":"Established"'),
    { what: `FRR's ${address}` },
  );

t.test("IPv4 and IPv6 sessions, routes both ways, reset by either side", { skip }, async (t) => {
  const bench = new Bench();
  t.teardown(() => bench.dispose());
  bench.pair("edge", "frr", LINK);
  const frr = new Frr(
    bench,
    "frr",
    `router bgp 65002
 bgp router-id 2.2.2.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.0.0.1 remote-as 65001
 neighbor 2001:db8::1 remote-as 65001
 address-family ipv4 unicast
  network 10.20.0.0/16
  no neighbor 2001:db8::1 activate
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:20::/48
  neighbor 2001:db8::1 activate
 exit-address-family
`,
  );
  const edge = new Edge(
    bench,
    "edge",
    `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: frr4, remote: 10.0.0.2, remoteAs: 65002, device: left, import: [all], export: [all] }
  - { name: frr6, remote: "2001:db8::2", remoteAs: 65002, device: left, families: [ipv6], import: [all], export: [all] }
announce: [{ prefix: 10.1.0.0/16, rank: 1 }, { prefix: "2001:db8:1::/48", rank: 2 }]
fib: { kind: kernel }
${OPEN_POLICY}`,
  );
  await edge.established("frr4");
  await edge.established("frr6");
  await frrUp(frr, "10.0.0.1");
  await frrUp(frr, "2001:db8::1");
  await eventually(
    () => frr.ask("show bgp ipv4 unicast 10.1.0.0/16 json"),
    (answer) => answer.includes('"65001"') || answer.includes("65001"),
    { what: "our IPv4 route in FRR" },
  );
  await eventually(
    () => frr.ask("show bgp ipv6 unicast 2001:db8:1::/48 json"),
    (answer) => answer.includes("65001"),
    { what: "our IPv6 route in FRR" },
  );
  const kernel = (family: string) =>
    bench.namespaces.exec("edge", "ip", [family, "route", "show", "proto", "186"]);
  await eventually(
    () => kernel("-4"),
    (text) => text.includes("10.20.0.0/16"),
    { what: "IPv4 FIB" },
  );
  await eventually(
    () => kernel("-6"),
    (text) => text.includes("2001:db8:20::/48"),
    { what: "IPv6 FIB" },
  );

  frr.ask("clear bgp 10.0.0.1");
  await eventually(
    () => JSON.stringify(edge.peer("frr4")),
    (text) => /reset/i.test(text),
    { what: "we say that the peer reset the session" },
  );
  await edge.established("frr4", 40_000);
});

t.test("MD5 right and wrong, GTSM with ttl-security", { skip }, async (t) => {
  const bench = new Bench();
  t.teardown(() => bench.dispose());
  bench.pair("edge", "frr", LINK);
  const frr = new Frr(
    bench,
    "frr",
    `router bgp 65002
 bgp router-id 2.2.2.2
 no bgp ebgp-requires-policy
 neighbor 10.0.0.1 remote-as 65001
 neighbor 10.0.0.1 password right
 neighbor 10.0.0.1 ttl-security hops 1
 neighbor 2001:db8::1 remote-as 65001
 neighbor 2001:db8::1 password other
`,
  );
  const right = bench.file("right.key", "right\n");
  const wrong = bench.file("wrong.key", "wrong\n");
  const edge = new Edge(
    bench,
    "edge",
    `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: right, remote: 10.0.0.2, remoteAs: 65002, md5: { file: ${right} }, gtsm: { hops: 1 }, import: [all], export: [all] }
  - { name: wrong, remote: "2001:db8::2", remoteAs: 65002, families: [ipv6], md5: { file: ${wrong} }, import: [all], export: [all] }
fib: { kind: virtual }
${OPEN_POLICY}`,
  );
  await edge.established("right");
  await frrUp(frr, "10.0.0.1");
  t.not(edge.peer("wrong")?.state, "Established", "a wrong key never comes up");
  t.notMatch(frr.ask("show bgp neighbors 2001:db8::1"), /BGP state = Established/);
});

for (const mode of ["single-hop", "multihop"] as const) {
  t.test(
    `BFD ${mode}: up on both sides, the peer's shutdown is no failure of the path`,
    { skip },
    async (t) => {
      const bench = new Bench();
      t.teardown(() => bench.dispose());
      bench.pair("edge", "frr", LINK);
      const isMultihop = mode === "multihop";
      const frr = new Frr(
        bench,
        "frr",
        `router bgp 65002
 bgp router-id 2.2.2.2
 no bgp ebgp-requires-policy
 neighbor 10.0.0.1 remote-as 65001
${isMultihop ? " neighbor 10.0.0.1 ebgp-multihop 64\n" : ""} neighbor 10.0.0.1 bfd
 neighbor 10.0.0.1 bfd profile fast
`,
        `bfd
 profile fast
  transmit-interval 100
  receive-interval 100
 exit
exit
`,
      );
      const ttl = isMultihop ? "multihop: 64," : "";
      const edge = new Edge(
        bench,
        "edge",
        `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: frr, remote: 10.0.0.2, local: 10.0.0.1, remoteAs: 65002, device: left, ${ttl} import: [all], export: [all],
      bfd: { interval: 100ms, multiplier: 3, hops: ${isMultihop ? 255 : 1} } }
fib: { kind: virtual }
${OPEN_POLICY}`,
      );
      await edge.established("frr");
      const ours = () => edge.ask("show", "bfd").sessions?.[0];
      await eventually(ours, (row) => row?.state === "Up", { what: "our BFD" });
      const theirs = () => {
        try {
          return JSON.parse(frr.ask("show bfd peers json"))[0];
        } catch {
          return undefined;
        }
      };
      await eventually(theirs, (row) => row?.status === "up", { what: "FRR's BFD" });
      t.equal(theirs()?.multihop, isMultihop, "the same encapsulation on both sides");
      await eventually(
        () => theirs()?.["remote-receive-interval"],
        (value) => value === 100,
        {
          what: "FRR knows our interval",
        },
      );

      bench.namespaces.tc("frr", ["qdisc", "replace", "dev", "right", "root", "blackhole"]);
      await eventually(ours, (row) => row?.state !== "Up", {
        what: "one way is enough to go Down",
      });
      await eventually(
        () => edge.peer("frr"),
        (row) => row?.state !== "Established",
        {
          what: "BGP follows",
        },
      );
      bench.namespaces.tc("frr", ["qdisc", "replace", "dev", "right", "root", "pfifo"]);
      await edge.established("frr", 60_000);
      await eventually(ours, (row) => row?.state === "Up", {
        what: "our BFD again",
        withinMs: 30_000,
      });
    },
  );
}
