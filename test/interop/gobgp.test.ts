/** Held against GoBGP 3.10: BGP, both families, withdrawal and re-announcement. */
import t from "tap";
import { Edge } from "./edge.ts";
import { Bench, eventually, Gobgp, whySkip } from "./routers.ts";

const skip = whySkip("gobgp");

t.test(
  "a session with both families; what is added and withdrawn there follows here",
  { skip },
  async (t) => {
    const bench = new Bench();
    t.teardown(() => bench.dispose());
    bench.pair("edge", "gobgp", [["10.0.0.1/30", "10.0.0.2/30"]]);
    const gobgp = new Gobgp(
      bench,
      "gobgp",
      `[global.config]
as = 65002
router-id = "2.2.2.2"
[[neighbors]]
[neighbors.config]
neighbor-address = "10.0.0.1"
peer-as = 65001
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-unicast"
`,
    );
    const edge = new Edge(
      bench,
      "edge",
      `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: gobgp, remote: 10.0.0.2, remoteAs: 65002, device: left, import: [all], export: [all] }
announce: [{ prefix: 10.1.0.0/16, rank: 1, communities: ["65001:7"] }]
fib: { kind: kernel }
policy:
  policies:
    all: [{ term: everything, action: accept }]
`,
    );
    await edge.established("gobgp");
    await eventually(
      () => gobgp.ask(["neighbor"]),
      (answer) => /10\.0\.0\.1 .*Establ/.test(answer),
      { what: "GoBGP sees us" },
    );
    await eventually(
      () => gobgp.ask(["global", "rib"]),
      (answer) => answer.includes("10.1.0.0/16") && answer.includes("65001:7"),
      { what: "our route with its community in GoBGP" },
    );
    for (let net = 0; net < 20; net += 1) {
      gobgp.ask(["global", "rib", "add", `10.20.${net}.0/24`, "community", "65002:1"]);
    }
    const kernel = () => bench.namespaces.exec("edge", "ip", ["route", "show", "proto", "186"]);
    await eventually(kernel, (text) => text.trim().split("\n").length === 20, {
      what: "20 kernel routes",
    });
    for (let net = 0; net < 19; net += 1) gobgp.ask(["global", "rib", "del", `10.20.${net}.0/24`]);
    await eventually(kernel, (text) => text.trim().split("\n").length === 1, {
      what: "19 withdrawn",
    });
    t.match(kernel(), /^10\.20\.19\.0\/24 /);
  },
);
