import t from "tap";
import { Framer } from "../../../src/bgp/wire/framer.ts";
import { decodeHeader, encodeMessage } from "../../../src/bgp/wire/header.ts";
import { MessageType } from "../../../src/bgp/wire/iana.ts";
import { octets } from "../../support/wire-octets.ts";

const head = (lengthAndType: string) => octets(`${"ff".repeat(16)}${lengthAndType}`);

t.test("RFC 8654 §4: 65535 octets where both sides said so, 4096 elsewhere", async (t) => {
  for (const type of ["02", "03", "05"]) {
    t.equal(decodeHeader(head(`ffff${type}`), true).ok, true, `type ${type}`);
    t.match(decodeHeader(head(`1001${type}`), false), { ok: false, fault: { subcode: 2 } });
  }
});

t.test("RFC 8654 §4: OPEN and KEEPALIVE stay within their limits", async (t) => {
  t.match(decodeHeader(head("100101"), true), { ok: false, fault: { code: 1, subcode: 2 } });
  t.match(decodeHeader(head("001404"), true), { ok: false, fault: { code: 1, subcode: 2 } });
});

t.test("RFC 8654 §2: the framer waits for all of a long message", async (t) => {
  const message = encodeMessage(MessageType.Update, new Uint8Array(65_535 - 19));
  const framer = new Framer();
  framer.push(message.subarray(0, 40_000));
  t.same(framer.next(true), { ok: true, value: undefined });
  framer.push(message.subarray(40_000));
  const next = framer.next(true);
  t.equal(next.ok && next.value?.octets.length, 65_535);
});
