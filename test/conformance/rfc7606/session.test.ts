import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { encodeUpdate } from "../../../src/bgp/wire/update.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { speakerConfig } from "../../support/bgp-pair.ts";
import { IPV4, IPV6, remoteOpen } from "../../support/bgp-session.ts";
import { announce, Solo, soloPeer } from "../../support/bgp-solo.ts";
import { decodeJson } from "../../support/decode-run.ts";
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

t.test(
  "RFC 7606 §6: the line names the routes and is a record for `causeway decode`",
  async (t) => {
    const solo = new Solo();
    const connection = solo.establish();
    const nlri = octets(Array.from({ length: 20 }, (_, at) => `180a14${hexOctet(at)}`).join(""));
    const long = `d0ff1000 ${"00".repeat(4096)}`;
    const attributes = octets(`40010103 ${AS_PATH} ${NEXT_HOP} ${long}`);
    const malformed = encodeUpdate({ attributes, nlri });
    solo.say(connection, malformed);
    solo.settle();
    const fields = solo.logs("bgp.update.malformed")[0]?.fields ?? {};
    const first = Array.from({ length: 16 }, (_, at) => `10.20.${at}.0/24`).join(" ");
    t.match(fields, { nlri: `${first} and 4 more`, octets: malformed.length });
    t.equal(fields.hex, toHex(malformed), "whole, beyond 4096 octets too (RFC 8654)");
    const file = join(t.testdir({}), "malformed.jsonl");
    writeFileSync(file, `${JSON.stringify({ event: "bgp.update.malformed", ...fields })}\n`);
    const { lines } = await decodeJson({ inputs: [file] });
    t.match(lines, [{ action: "treat_as_withdraw", context: { as4: true, session: "ebgp" } }]);
  },
);

t.test("RFC 7606 §6: of messages beyond 4096 octets a few a minute are logged whole", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  const long = `d0ff1000 ${"00".repeat(4096)}`;
  // Each of these is a cause of its own.
  const origins = ["40010103", "40010200", "80010100", "400100", "40010103 40060100", ""];
  const paths = ["40020205 00", "400200", "4002060201 0000fde9", "40020602010000 0000"];
  let said = 0;
  for (const origin of origins) {
    for (const path of paths) {
      for (let round = 0; round < 8; round += 1, said += 1) {
        const attributes = octets(`${origin} ${path} ${NEXT_HOP} ${long}`);
        solo.say(connection, encodeUpdate({ attributes, nlri: octets(NLRI) }));
      }
    }
  }
  solo.settle();
  const lines = solo.logs("bgp.update.malformed").map(({ fields }) => fields);
  t.ok(lines.length > 20, `${said} messages of several causes, ${lines.length} lines`);
  const isWhole = ({ cutTo }: (typeof lines)[number]) => cutTo === undefined;
  t.equal(lines.filter(isWhole).length, LIMITS.logLinesPerCausePerMinute);
  t.ok(lines.every((fields) => isWhole(fields) || String(fields.hex).length === 2 * 4096));
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

const hexOctet = (value: number): string => value.toString(16).padStart(2, "0");
