import t from "tap";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { encodeUpdate } from "../../../src/bgp/wire/update.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { speakerConfig } from "../../support/bgp-pair.ts";
import { IPV4, IPV6, remoteOpen } from "../../support/bgp-session.ts";
import { announce, Solo, soloPeer } from "../../support/bgp-solo.ts";
import { AS_PATH, NEXT_HOP, NLRI, octets } from "../../support/wire-octets.ts";

t.test("RFC 7606 §2, §6: the malformed message is logged, its routes are withdrawn", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.say(connection, announce(["10.20.0.0/24", "10.21.0.0/24"]));
  solo.settle();
  const malformed = encodeUpdate({
    attributes: octets(`40010103 ${AS_PATH} ${NEXT_HOP}`),
    nlri: octets(NLRI),
  });
  solo.say(connection, malformed);
  solo.settle();
  t.equal(solo.peer().state, "Established");
  t.equal(solo.speaker.view.rib.explain("10.20.0.0/24"), undefined);
  t.ok(solo.speaker.view.rib.explain("10.21.0.0/24"));
  t.match(solo.logs("bgp.update.malformed")[0]?.fields, { hex: toHex(malformed) });
  t.same(solo.peer().counters.discards, { "origin-value": 1 });
});

t.test("RFC 7606 §5.1: MP_REACH_NLRI and MP_UNREACH_NLRI come first", async (t) => {
  const families = [IPV4, IPV6];
  const own = { prefix: "2001:db8:9::/48", attributes: { origin: 0 as const } };
  const peers = [soloPeer({ remoteAddress: "2001:db8::2", families })];
  const solo = new Solo(speakerConfig({ peers, originated: [own] }));
  const capabilities = [
    ...remoteOpen().capabilities,
    { kind: "multiprotocol", family: IPV6 } as const,
  ];
  const connection = solo.accept("2001:db8::2", "2001:db8::1");
  solo.say(connection, encodeOpen(remoteOpen({ families, capabilities })), encodeKeepalive());
  solo.settle();
  solo.input({ kind: "configure", config: speakerConfig({ peers, originated: [] }) });
  solo.settle();
  const sent = solo.effects.flatMap((effect) =>
    effect.kind === "tcp-send" && effect.connection === connection ? [toHex(effect.octets)] : [],
  );
  const updates = sent
    .join("")
    .split("f".repeat(32))
    .filter((message) => message.slice(4, 6) === "02");
  const types = updates
    .filter((message) => Number.parseInt(message.slice(10, 14), 16) > 0)
    .map((message) => message.slice(16, 18));
  t.same(types.sort(), ["0e", "0f", "0f"], "a route, its withdrawal, and End-of-RIB");
});
