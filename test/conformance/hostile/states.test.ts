/**
 * Rows of the hostile table that are more than one message: what a session, a policy or another
 * peer has to do with it. The messages themselves are in `messages.test.ts`.
 */
import t from "tap";
import type { PeerConfig } from "../../../src/bgp/speaker/config.ts";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import type { UpdateMessage } from "../../../src/bgp/wire/message.ts";
import { encodeNotification } from "../../../src/bgp/wire/notification.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { encodeRouteRefresh } from "../../../src/bgp/wire/route-refresh.ts";
import { encodeUpdate } from "../../../src/bgp/wire/update.ts";
import { concatBytes } from "../../../src/core/bytes.ts";
import { IPV4, remoteOpen } from "../../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer } from "../../support/bgp-solo.ts";
import { AS_PATH, NEXT_HOP, NLRI, ORIGIN, octets } from "../../support/wire-octets.ts";

const PREFIX = "10.20.0.0/24";
const FILLER = concatBytes(Array.from({ length: 100 }, () => encodeKeepalive()));

const notifications = (solo: Solo, connection: Parameters<Solo["heard"]>[0]) =>
  solo
    .heard(connection)
    .flatMap((message) =>
      message.kind === "notification" ? [`${message.code}/${message.subcode}`] : [],
    );

/** A hostile peer `b`, and `c`, which hears what is passed on. */
function betweenTwo(changes: Partial<PeerConfig> = {}) {
  const listener = soloPeer({ name: "c", remoteAddress: "10.0.0.3", remoteAs: 65_003 });
  const solo = new Solo(soloConfig({}, { peers: [soloPeer(changes), listener] }));
  const hostile = solo.establish();
  const c = solo.establish({ localAs: 65_003, bgpIdentifier: 3 }, "10.0.0.3");
  solo.heard(c);
  const passedOn = (): UpdateMessage[] =>
    solo.heard(c).flatMap((message) => (message.kind === "update" ? [message] : []));
  return { solo, hostile, passedOn };
}

const announcedIn = (update: UpdateMessage | undefined) => update?.attributes;

t.test(
  "RFC 5492 §5, row 6: Data of a NOTIFICATION about a huge OPEN stays a message",
  async (t) => {
    const solo = new Solo(soloConfig({ role: { value: 4, isStrict: true } }));
    const connection = solo.accept();
    const unknown = Array.from({ length: 900 }, (_, at) => ({
      ...({ kind: "unknown", code: 200 + (at % 50) } as const),
      value: Uint8Array.of(1, 2),
    }));
    const open = encodeOpen({ ...remoteOpen(), capabilities: unknown });
    t.ok(open.length > 3500 && open.length <= 4096, `${open.length} octets`);
    solo.say(connection, open);
    const [, last] = solo.heard(connection);
    if (last?.kind !== "notification") throw new Error("no NOTIFICATION");
    t.equal(last.code, 2);
    t.ok(last.data.length <= 4096 - 21, `${last.data.length} octets of data`);
  },
);

t.test("RFC 4271 §6.2, row 7: hold time 0 where the policy asks for more is 2/6", async (t) => {
  const solo = new Solo(soloConfig({ holdTimeSecMin: 3 }));
  const connection = solo.accept();
  solo.say(connection, encodeOpen(remoteOpen({ holdTimeSec: 0 })));
  t.same(notifications(solo, connection), ["2/6"]);
  t.equal(solo.peer().state, "Idle");
});

t.test("RFC 6286 §2.1, row 7: our own BGP Identifier from inside is 2/3", async (t) => {
  const solo = new Solo(soloConfig({ remoteAs: 65_001 }));
  const connection = solo.accept();
  solo.say(connection, encodeOpen(remoteOpen({ localAs: 65_001, bgpIdentifier: 0x0a00_0001 })));
  t.same(notifications(solo, connection), ["2/3"]);
});

const OPEN = encodeOpen(remoteOpen());
const UPDATE = announce([PREFIX]);

/** What comes at the wrong time, behind what brought the session where it is. */
const UNTIMELY = [
  { in: "OpenSent", before: [], say: encodeKeepalive(), due: "5/1", title: "a KEEPALIVE" },
  { in: "OpenSent", before: [], say: UPDATE, due: "5/1", title: "an UPDATE" },
  { in: "OpenConfirm", before: [OPEN], say: UPDATE, due: "5/2", title: "an UPDATE" },
  { in: "OpenConfirm", before: [OPEN], say: OPEN, due: "5/2", title: "a second OPEN" },
  {
    ...{ in: "Established", before: [OPEN, encodeKeepalive()] },
    ...{ say: OPEN, due: "5/3", title: "a second OPEN" },
  },
] as const;

for (const untimely of UNTIMELY) {
  const { title, due } = untimely;
  t.test(`RFC 6608 §4, row 8: ${title} in ${untimely.in} is ${due}`, async (t) => {
    const deliveries: Readonly<Record<string, readonly Uint8Array[]>> = {
      "segment by segment": [...untimely.before, untimely.say],
      "in one segment": [concatBytes([...untimely.before, untimely.say, FILLER])],
      "octet by octet": [...concatBytes([...untimely.before, untimely.say])].map((octet) =>
        Uint8Array.of(octet),
      ),
    };
    for (const [way, segments] of Object.entries(deliveries)) {
      const solo = new Solo();
      const connection = solo.accept();
      solo.say(connection, ...segments);
      solo.settle();
      t.same(notifications(solo, connection), [due], way);
      t.equal(solo.peer().state, "Idle", way);
    }
  });
}

t.test(
  "RFC 6286 §2.3, row 8: of equal identifiers the larger AS keeps its connection",
  async (t) => {
    const solo = new Solo(soloConfig({ isPassive: false, remoteAs: 45_104 }));
    solo.advance(1);
    const ours = solo.connect();
    const theirs = solo.accept();
    const open = encodeOpen(remoteOpen({ bgpIdentifier: 0x0a00_0001 }));
    solo.say(theirs, open);
    solo.say(ours, open);
    solo.settle();
    t.same(notifications(solo, theirs), ["6/7"], "65001 is larger than 45104: ours stays");
    t.same(notifications(solo, ours), []);
    solo.say(ours, encodeKeepalive());
    t.equal(solo.peer().state, "Established");
  },
);

t.test("RFC 7606 §3 d, row 15: only an unknown attribute, after GR was negotiated", async (t) => {
  const capabilities = { ...soloPeer().capabilities, gracefulRestart: true };
  const { solo, hostile, passedOn } = betweenTwo({ capabilities });
  solo.say(hostile, announce([PREFIX]));
  solo.settle();
  t.equal(passedOn().length, 1);
  solo.say(
    hostile,
    encodeUpdate({ attributes: octets(`c01f10 ${"00".repeat(16)}`), nlri: octets(NLRI) }),
  );
  solo.settle();
  t.equal(solo.peer().state, "Established");
  t.equal(solo.speaker.view.rib.explain(PREFIX), undefined);
  t.match(passedOn(), [{ unreach: [{ count: 1 }] }], "and the neighbour hears of it");
});

t.test("RFC 4271 §5.1.2, row 20: our AS before a full segment opens a new one", async (t) => {
  const { solo, hostile, passedOn } = betweenTwo();
  const ases = Array.from({ length: 255 }, (_, at) => (at === 0 ? 45_104 : 64_000 + at));
  solo.say(hostile, announce([PREFIX], { asPath: [{ type: 2, ases }] }));
  solo.settle();
  const path = announcedIn(passedOn()[0])?.asPath ?? [];
  t.same(
    path.flatMap((segment) => segment.ases),
    [65_001, ...ases],
  );
  t.ok(path.every((segment) => segment.ases.length <= 255));
});

t.test("RFC 4271 §5.1.3, row 21: our own address as NEXT_HOP costs the route alone", async (t) => {
  const { solo, hostile, passedOn } = betweenTwo();
  solo.say(hostile, announce([PREFIX], { nextHop: Uint8Array.of(10, 0, 0, 1) }));
  solo.settle();
  t.equal(solo.peer().state, "Established");
  t.same(passedOn(), []);
  const rejected = solo.speaker.view.rib.routes({ rib: "rejected", offset: 0, limit: 9 });
  t.match(rejected, [{ prefix: PREFIX, rejectedBy: "next-hop-own" }]);
});

t.test(
  "RFC 4271 §6.3, row 21: a NEXT_HOP off the subnet that nothing reaches is not used",
  async (t) => {
    const { solo, hostile, passedOn } = betweenTwo();
    solo.say(hostile, announce([PREFIX], { nextHop: Uint8Array.of(192, 0, 2, 9) }));
    solo.input({
      kind: "next-hop",
      nextHop: "192.0.2.9",
      state: { isReachable: false, igpMetric: 0 },
    });
    solo.settle();
    t.equal(solo.peer().state, "Established");
    t.equal(solo.speaker.view.rib.locRibCount(IPV4), 0);
    t.same(passedOn().at(-1)?.attributes, undefined);
  },
);

t.test("RFC 4271 §5, row 26: what we do not know goes on, with Partial set", async (t) => {
  const { solo, hostile, passedOn } = betweenTwo();
  const bombs =
    "c01706000f000806ff c01c0100 c0280200ff c0160200ff c01a0200ff c0800200ff c0ff0200ff";
  const local = "806300";
  const attributes = octets(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} ${bombs} ${local}`);
  solo.say(hostile, encodeUpdate({ attributes, nlri: octets(NLRI) }));
  solo.settle();
  const unknown = announcedIn(passedOn()[0])?.unknown ?? [];
  t.same(
    unknown.map(({ type }) => type).sort((a, b) => a - b),
    [22, 23, 26, 28, 40, 128, 255],
    "but for the one that is not transitive",
  );
  t.ok(unknown.every(({ flags }) => (flags & 0x20) !== 0));
});

t.test("RFC 8538 §3, row 29: both forms of Hard Reset end what GR would keep", async (t) => {
  for (const data of ["", "060a"]) {
    const capabilities = { ...soloPeer().capabilities, gracefulRestart: true };
    const solo = new Solo(soloConfig({ capabilities }));
    const open = remoteOpen();
    const families = [{ ...IPV4, forwardingPreserved: true }];
    const restart = {
      ...({ kind: "graceful-restart", restarted: false, notification: true } as const),
      ...{ restartTimeSec: 60, families },
    };
    const connection = solo.accept();
    const greeting = encodeOpen({ ...open, capabilities: [...open.capabilities, restart] });
    solo.say(connection, greeting, encodeKeepalive(), announce([PREFIX]));
    solo.settle();
    solo.say(connection, encodeNotification({ code: 6, subcode: 9, data: octets(data) }));
    solo.settle();
    t.equal(solo.speaker.view.rib.explain(PREFIX), undefined, `6/9 with "${data}"`);
    t.same(notifications(solo, connection), [], "RFC 4271 §6.4: not answered");
  }
});

t.test(
  "RFC 9003 §2, row 29: what a peer says goes into the log without its control octets",
  async (t) => {
    const solo = new Solo();
    const connection = solo.establish();
    const words = octets("0b 1b5b324a 0a c328 41 00 7f42");
    solo.say(connection, encodeNotification({ code: 6, subcode: 2, data: words }));
    const text = solo.peer().lastReset?.text ?? "";
    t.match(text, /A/);
    const isControl = (char: string) =>
      char < " " || char === "\u007f" || (char >= "\u0080" && char < "\u00a0");
    t.notOk([...text].some(isControl), JSON.stringify(text));
  },
);

t.test("RFC 5291 §4, row 30: an ORF that lies, then a policy that changes", async (t) => {
  const { solo, hostile, passedOn } = betweenTwo();
  solo.say(hostile, announce([PREFIX]));
  const lies = ["00010001 01 40 ffff 00", "00010001 02 80 0005 0000000000", "00010001 01"];
  for (const lie of lies) {
    const body = octets(lie);
    const message = concatBytes([
      encodeRouteRefresh({ family: IPV4, subtype: 0 }).subarray(0, 19),
      body,
    ]);
    message[17] = message.length;
    solo.say(hostile, message);
  }
  solo.settle();
  t.equal(passedOn().length, 1);
  const peers = [
    soloPeer(),
    soloPeer({
      name: "c",
      remoteAddress: "10.0.0.3",
      remoteAs: 65_003,
      exportPolicy: soloPeer().importPolicy,
    }),
  ];
  solo.input({ kind: "configure", config: soloConfig({}, { peers }) });
  solo.input({ kind: "refresh", peer: "b", direction: "out", family: undefined });
  solo.settle();
  t.same(solo.logs("bgp.peer.internal-error"), []);
  t.ok(["Established", "Idle"].includes(solo.peer().state));
  t.equal(solo.peer("c").state, "Established");
});
