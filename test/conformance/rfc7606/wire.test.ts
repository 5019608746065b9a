import t from "tap";
import { Severity } from "../../../src/bgp/wire/fault.ts";
import { decodeUpdate } from "../../../src/bgp/wire/update.ts";
import { toHex } from "../../../src/core/bytes.ts";
import {
  AS_PATH,
  BASE,
  decodedUpdate,
  EBGP,
  IBGP,
  NEXT_HOP,
  NLRI,
  ORIGIN,
  octets,
  outcome,
  survivor,
  type UpdateText,
  updateBody,
} from "../../support/wire-octets.ts";

/** Reasons of an UPDATE that is treated as withdrawn, or the code and subcode that end the session. */
function fate(fields: UpdateText, context = EBGP): string {
  const decoded = decodedUpdate(fields, context);
  if (!decoded.ok) return `reset ${decoded.fault.code}/${decoded.fault.subcode}`;
  const { treatAsWithdraw, faults } = decoded.value;
  const reasons = faults.map((fault) => fault.reason).join(" ");
  return `${treatAsWithdraw ? "withdraw" : "keep"} ${reasons}`.trim();
}

/** The base attributes, one of them replaced. */
const withOrigin = (origin: string) =>
  fate({ attributes: `${origin} ${AS_PATH} ${NEXT_HOP}`, nlri: NLRI });
const withPath = (path: string) =>
  fate({ attributes: `${ORIGIN} ${path} ${NEXT_HOP}`, nlri: NLRI });
const withNextHop = (hop: string) =>
  fate({ attributes: `${ORIGIN} ${AS_PATH} ${hop}`, nlri: NLRI });
const withMore = (more: string, context = EBGP) => {
  const { treatAsWithdraw, reasons } = outcome(more, context);
  return `${treatAsWithdraw ? "withdraw" : "keep"} ${reasons.join(" ")}`.trim();
};

/** A body whose lengths are given rather than right. */
const lying = (withdrawnOctets: string, attributesOctets: string, rest: string) => {
  const decoded = decodeUpdate(octets(`${withdrawnOctets} ${attributesOctets} ${rest}`), EBGP);
  if (!decoded.ok) return `reset ${decoded.fault.code}/${decoded.fault.subcode}`;
  return decoded.value;
};

t.test("RFC 7606 §3 b: lengths that leave the message reset the session", async (t) => {
  t.equal(lying("ffff", "0000", ""), "reset 3/1");
  t.equal(lying("0001", "", "00"), "reset 3/1");
  t.equal(lying("0000", "0015", BASE), "reset 3/1");
});

t.test("RFC 7606 §3 c: flags in conflict withdraw, for every attribute", async (t) => {
  t.equal(withOrigin("c0010100"), "withdraw origin-flags");
  t.equal(withOrigin("80010100"), "withdraw origin-flags");
  t.equal(withPath("c002060201 0000b030"), "withdraw as-path-flags");
  t.equal(withNextHop("c003040a000002"), "withdraw next-hop-flags");
  t.equal(withMore("40040400000001"), "withdraw med-flags");
  t.equal(withMore("c0050400000001", IBGP), "withdraw local-pref-flags");
  t.equal(withMore("c00600"), "withdraw atomic-aggregate-flags");
  t.equal(withMore("800708 0000b030 0a000009"), "withdraw aggregator-flags");
  t.equal(withMore("80080400000001"), "withdraw communities-flags");
  t.equal(withMore("c009040a000001", IBGP), "withdraw originator-id-flags");
  t.equal(withMore("c00a040a000001", IBGP), "withdraw cluster-list-flags");
  t.equal(withMore("8010080002b03000000001"), "withdraw extended-communities-flags");
  t.equal(withMore(`8020 0c ${"00".repeat(12)}`), "withdraw large-communities-flags");
  t.equal(withMore("8023040000b030"), "withdraw otc-flags");
});

t.test("RFC 7606 §3 d: a missing mandatory attribute withdraws, its type as data", async (t) => {
  t.equal(
    fate({ attributes: `${AS_PATH} ${NEXT_HOP}`, nlri: NLRI }),
    "withdraw missing-well-known",
  );
  t.equal(fate({ attributes: `${ORIGIN} ${NEXT_HOP}`, nlri: NLRI }), "withdraw missing-well-known");
  const update = survivor({ attributes: `${ORIGIN} ${AS_PATH}`, nlri: NLRI });
  t.match(update.faults, [{ code: 3, subcode: 3, data: octets("03") }]);
  t.equal(survivor({ nlri: NLRI }).faults.length, 3);
});

t.test("RFC 7606 §2: what is withdrawn is there to be withdrawn, attributes are not", async (t) => {
  const update = survivor({ nlri: `${NLRI} 080b` });
  t.match(update, { treatAsWithdraw: true, reach: [{ count: 2 }] });
  t.equal(update.attributes, undefined);
});

t.test(
  "RFC 7606 §3 g: a repeated attribute is passed over, the multiprotocol ones not",
  async (t) => {
    t.equal(
      fate({ attributes: `${ORIGIN} 40010102 ${AS_PATH} ${NEXT_HOP}`, nlri: NLRI }),
      "keep attribute-duplicate",
    );
    t.equal(
      survivor({ attributes: `${ORIGIN} 40010102 ${AS_PATH} ${NEXT_HOP}`, nlri: NLRI }).attributes
        ?.origin,
      0,
      "the first one counts",
    );
    const reach = "800e1a 000201 10 20010db8000000000000000000000001 00 2020010db8";
    t.equal(fate({ attributes: `${ORIGIN} ${AS_PATH} ${reach} ${reach}` }), "reset 3/1");
    t.equal(fate({ attributes: "800f03000201 800f03000201" }), "reset 3/1");
  },
);

t.test("RFC 7606 §3 h: the strongest approach of several wins", async (t) => {
  t.equal(fate({ attributes: `40010103 ${AS_PATH} ${NEXT_HOP} 406300`, nlri: NLRI }), "reset 3/2");
  t.equal(
    fate({ attributes: `40010103 ${AS_PATH} ${NEXT_HOP} 40060100`, nlri: NLRI }),
    "withdraw origin-value atomic-aggregate-length",
  );
});

t.test("RFC 7606 §4: the total length finds the NLRI when an attribute overruns", async (t) => {
  const shifted = lying("0000", "0013", `${BASE} ${NLRI}`);
  t.match(shifted, { treatAsWithdraw: true, reach: [{ octets: octets("02180a1400"), count: 2 }] });
  t.equal(lying("0000", "0013", `${ORIGIN} ${AS_PATH} 4003040a000021 ${NLRI}`), "reset 3/10");
  t.equal(withMore("4001"), "withdraw attribute-overrun");
  t.equal(withMore("40"), "withdraw attribute-overrun");
  t.equal(withMore("500100"), "withdraw attribute-overrun");
  t.equal(withMore("c0080500000001"), "withdraw attribute-overrun");
});

t.test("RFC 7606 §3 j: prefixes that are cut off reset the session", async (t) => {
  t.equal(fate({ attributes: `${BASE} 800e20000201`, nlri: NLRI }), "reset 3/1");
  t.equal(fate({ attributes: "800f20000201", nlri: "" }), "reset 3/1");
});

t.test("RFC 7606 §5.2: without a route, what would withdraw resets", async (t) => {
  t.equal(fate({ attributes: `40010103 ${AS_PATH} ${NEXT_HOP}` }), "reset 3/6");
  t.equal(fate({ attributes: "800f03000101 40010103" }), "reset 3/6");
  t.equal(fate({ attributes: "400600 40060100" }), "keep attribute-duplicate");
  t.equal(fate({ attributes: `${BASE} 40060100` }), "keep atomic-aggregate-length");
  t.equal(fate({ attributes: BASE }), "keep");
});

t.test("RFC 7606 §5.3: prefixes that cannot be read reset, host bits do not", async (t) => {
  t.equal(fate({ attributes: BASE, nlri: "210a14000080" }), "reset 3/10");
  t.equal(fate({ attributes: BASE, nlri: "180a14" }), "reset 3/10");
  t.equal(fate({ attributes: BASE, nlri: "170a1401" }), "keep");
  t.equal(fate({ withdrawn: "210a14000080" }), "reset 3/10");
  t.equal(fate({ withdrawn: "180a14" }), "reset 3/10");
  t.equal(fate({ attributes: `800f15 000201 81 ${"00".repeat(17)}` }), "reset 3/9");
});

t.test("RFC 7606 §7.1 ORIGIN", async (t) => {
  t.equal(withOrigin("40010103"), "withdraw origin-value");
  t.equal(withOrigin("400100"), "withdraw origin-length");
  t.equal(withOrigin("4001020000"), "withdraw origin-length");
  const [fault] = survivor({ attributes: `40010103 ${AS_PATH} ${NEXT_HOP}`, nlri: NLRI }).faults;
  t.equal(toHex(fault?.data ?? octets("")), "40010103");
});

t.test("RFC 7606 §7.2 AS_PATH", async (t) => {
  t.equal(withPath("4002060501 0000b030"), "withdraw as-path-segment-type");
  t.equal(withPath("4002060001 0000b030"), "withdraw as-path-segment-type");
  t.equal(withPath("40020202 00"), "withdraw as-path-segment-empty");
  t.equal(withPath("4002060202 0000b030"), "withdraw as-path-segment-overrun");
  t.equal(withPath("4002070201 0000b030 02"), "withdraw as-path-header-cut");
  t.equal(withPath("400205 02010000b0"), "withdraw as-path-segment-overrun");
  t.equal(withPath("400206 0301 0000b030"), "withdraw as-path-confederation");
  const long = `${`02ff${"0000b030".repeat(255)}`.repeat(8)} 0209 ${"0000b030".repeat(9)}`;
  const length = octets(long).length.toString(16).padStart(4, "0");
  t.equal(withPath(`5002 ${length} ${long}`), "withdraw as-path-too-long");
});

t.test("RFC 7606 §7.3 NEXT_HOP", async (t) => {
  for (const value of ["00", "010a", "020a00", "030a0000", "050a00000200"]) {
    t.equal(withNextHop(`4003 ${value}`), "withdraw next-hop-length");
  }
  t.equal(withNextHop(`4003 10 ${"20".repeat(16)}`), "withdraw next-hop-length");
});

t.test("RFC 7606 §7.4 MULTI_EXIT_DISC", async (t) => {
  t.equal(withMore("800400"), "withdraw med-length");
  t.equal(withMore("8004050000000001"), "withdraw med-length");
});

t.test("RFC 7606 §7.5 LOCAL_PREF, §7.9 ORIGINATOR_ID, §7.10 CLUSTER_LIST: by peer", async (t) => {
  t.equal(withMore("40050400000064"), "keep local-pref-external");
  t.equal(withMore("400503000064"), "keep local-pref-external");
  t.equal(withMore("800900"), "keep originator-id-external");
  t.equal(withMore("800a0100"), "keep cluster-list-external");
  t.equal(outcome("40050400000064").attributes?.localPref, undefined);
  t.equal(withMore("400503000064", IBGP), "withdraw local-pref-length");
  t.equal(withMore("800900", IBGP), "withdraw originator-id-length");
  t.equal(withMore("800a00", IBGP), "withdraw cluster-list-length");
  t.equal(withMore("800a050000000000", IBGP), "withdraw cluster-list-length");
  t.equal(outcome("40050400000064", IBGP).attributes?.localPref, 100);
});

t.test("RFC 7606 §7.6 ATOMIC_AGGREGATE, §7.7 AGGREGATOR: discarded alone", async (t) => {
  t.equal(withMore("40060100"), "keep atomic-aggregate-length");
  t.equal(withMore("c00706 b030 0a000009"), "keep aggregator-length");
  t.equal(withMore("c00708 0000b030 0a000009", { ...IBGP, as4: true }), "keep");
  t.equal(outcome("40060100").attributes?.atomicAggregate, undefined);
});

t.test("RFC 7606 §7.8 COMMUNITIES, §7.14 extended, §7.15 IPv6 extended", async (t) => {
  for (const length of [0, 1, 5]) {
    t.equal(withMore(`c008 0${length} ${"00".repeat(length)}`), "withdraw communities-length");
  }
  t.equal(withMore("c01000"), "withdraw extended-communities-length");
  t.equal(withMore(`c01007 ${"00".repeat(7)}`), "withdraw extended-communities-length");
  t.equal(withMore("c01900"), "withdraw ipv6-extended-communities-length");
  t.equal(withMore(`c01913 ${"00".repeat(19)}`), "withdraw ipv6-extended-communities-length");
});

t.test("RFC 7606 §7.11 MP_REACH_NLRI: faults reset the session", async (t) => {
  const reach = (value: string, flags = "80") => {
    const length = octets(value).length.toString(16).padStart(2, "0");
    return fate({ attributes: `${ORIGIN} ${AS_PATH} ${flags}0e ${length} ${value}` });
  };
  t.equal(reach("000201 00"), "reset 3/9");
  t.equal(reach("000201 00 00"), "reset 3/9");
  for (const length of [1, 4, 15, 17, 31, 33]) {
    const size = length.toString(16).padStart(2, "0");
    t.equal(reach(`000201 ${size} ${"20".repeat(length)} 00 2020010db8`), "reset 3/9");
  }
  t.equal(reach("000201 ff 20010db8 00"), "reset 3/9");
  t.equal(reach("000201 05 20010db8 00"), "reset 3/9");
  t.equal(reach(`000201 10 ${"20".repeat(16)} 00 2020010db8`, "40"), "reset 3/4");
  t.equal(reach(`000201 10 ${"20".repeat(16)} 00 8120010db8`), "reset 3/9");
  t.equal(reach(`000201 10 ${"20".repeat(16)} 00 2020010d`), "reset 3/9");
  t.equal(reach(`000201 10 ${"20".repeat(16)} 00 2020010db8`), "keep");
});

t.test("RFC 7606 §7.12 MP_UNREACH_NLRI: faults reset the session", async (t) => {
  const unreach = (value: string, flags = "80") => {
    const length = octets(value).length.toString(16).padStart(2, "0");
    return fate({ attributes: `${flags}0f ${length} ${value}` });
  };
  t.equal(unreach(""), "reset 3/9");
  t.equal(unreach("0002"), "reset 3/9");
  t.equal(unreach("000201 8120010db8"), "reset 3/9");
  t.equal(unreach("000201 2020010d"), "reset 3/9");
  t.equal(unreach("000201 2020010db8", "40"), "reset 3/4");
  t.equal(unreach("000201 2020010db8"), "keep");
});

t.test("RFC 7606 §8: every fault has a reason for its counter and a severity", async (t) => {
  const { faults } = survivor({
    attributes: `40010103 ${AS_PATH} ${NEXT_HOP} 40060100 c00803000000`,
    nlri: NLRI,
  });
  t.same(
    faults.map(({ reason, severity }) => [reason, severity]),
    [
      ["origin-value", Severity.TreatAsWithdraw],
      ["atomic-aggregate-length", Severity.AttributeDiscard],
      ["communities-length", Severity.TreatAsWithdraw],
    ],
  );
  t.ok(updateBody({}).length === 4);
});
