import t from "tap";
import { decodeNotification, shutdownData } from "../../../src/bgp/wire/notification.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { decodeUtf8 } from "../../../src/core/utf8.ts";
import { octets } from "../../support/wire-octets.ts";

const said = (body: string) => decodeNotification(octets(body)).shutdownCommunication;

t.test("RFC 9003 §2 shutdown communication: of a shutdown and of a reset", async (t) => {
  t.equal(said("0602 03 627965"), "bye");
  t.equal(said("0604 03 627965"), "bye");
  t.equal(said("0603 03 627965"), undefined, "no other Cease carries one");
  t.equal(said("0602 00"), undefined);
  t.equal(said("0602"), undefined);
  t.equal(said(`0602 ff ${"41".repeat(255)}`), "A".repeat(255));
});

t.test("RFC 9003 §2 shutdown communication: a length beyond the data is no text", async (t) => {
  t.equal(said("0602 10 41"), undefined);
  t.equal(said("0602 ff"), undefined);
});

t.test("RFC 9003 §6 shutdown communication: nothing in it reaches a terminal", async (t) => {
  t.equal(said("0602 05 1b5b324a 0a"), "\\u{1b}[2J\\u{a}");
  t.equal(said("0602 04 c3284141"), "\\xc3(AA");
  t.equal(said("0602 03 e280ae"), "\\u{202e}", "no reversed line");
  t.equal(said("0602 02 5c41"), "\\\\A", "nothing can pretend to be an escape");
  t.equal(said("0602 07 c3bc c3b6 e29c93"), "üö✓");
});

t.test("RFC 8538 §3.1 Hard Reset: the text of the NOTIFICATION it wraps", async (t) => {
  t.equal(said("0609 0602 03 627965"), "bye");
  t.equal(said("0609 0609 0602 03 627965"), undefined, "wrapped once, not twice");
  t.equal(said("0609"), undefined);
  t.match(decodeNotification(octets("0609060a")), { code: 6, subcode: 9, data: octets("060a") });
});

t.test("RFC 9003 §2 shutdown communication: at most 255 octets of whole characters", async (t) => {
  t.equal(toHex(shutdownData("bye")), "03627965");
  t.equal(toHex(shutdownData("")), "00");
  t.equal(shutdownData("x".repeat(300)).length, 256);
  const data = shutdownData("✓".repeat(100));
  t.equal(data.length, 1 + 255);
  t.equal(data[0], 255);
  const odd = shutdownData(`x${"✓".repeat(100)}`);
  t.equal(odd[0], 253, "85 characters would leave the last one torn");
  t.ok(decodeUtf8(odd.subarray(1)) !== undefined);
});
