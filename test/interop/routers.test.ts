/** The harness itself: the three routers must find each other before we are held against them. */
import t from "tap";
import { Bench, Bird, eventually, Frr, Gobgp, whySkip } from "./routers.ts";

t.test(
  "BIRD peers with FRR and with GoBGP",
  {
    skip: whySkip("bird", "frr", "gobgp"),
  },
  async (t) => {
    const bench = new Bench();
    t.teardown(() => bench.dispose());
    bench.pair("a", "b", [["10.0.0.1/30", "10.0.0.2/30"]]);
    const bird = new Bird(
      bench,
      "a",
      `router id 1.1.1.1;
protocol device {}
protocol bgp peer { local 10.0.0.1 as 65001; neighbor 10.0.0.2 as 65002;
  error wait time 1, 2; connect delay time 1;
  ipv4 { import all; export all; }; }`,
    );
    const frr = new Frr(
      bench,
      "b",
      `router bgp 65002
 no bgp ebgp-requires-policy
 neighbor 10.0.0.1 remote-as 65001
 address-family ipv4 unicast
  network 10.20.0.0/16
 exit-address-family
`,
    );
    await eventually(
      () => bird.ask("show protocols peer"),
      (answer) => answer.includes("Established"),
      { what: "BIRD sees FRR" },
    );
    t.match(frr.json("show bgp summary"), {
      ipv4Unicast: { peers: { "10.0.0.1": { state: "Established" } } },
    });

    const second = new Bench();
    t.teardown(() => second.dispose());
    second.pair("c", "d", [["10.0.0.1/30", "10.0.0.2/30"]]);
    const birdC = new Bird(
      second,
      "c",
      `router id 1.1.1.1;
protocol device {}
protocol bgp peer { local 10.0.0.1 as 65001; neighbor 10.0.0.2 as 65002;
  ipv4 { import all; export all; }; }`,
    );
    const gobgp = new Gobgp(
      second,
      "d",
      `[global.config]
as = 65002
router-id = "2.2.2.2"
[[neighbors]]
[neighbors.config]
neighbor-address = "10.0.0.1"
peer-as = 65001
`,
    );
    await eventually(
      () => birdC.ask("show protocols peer"),
      (answer) => answer.includes("Established"),
      { what: "BIRD sees GoBGP" },
    );
    t.match(gobgp.ask(["neighbor"]), /10\.0\.0\.1 .*Establ/);
  },
);
