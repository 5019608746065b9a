/** ICMP echo of the Linux host: answered, and not answered. */
import t from "tap";
import { createLinuxHost } from "../../src/platform/linux/host.ts";

const skip = process.getuid?.() === 0 ? false : "a raw socket needs root";
const QUIET = { write: () => undefined };

t.test("echo: an address of this machine answers, one without a route does not", { skip }, (t) => {
  const host = createLinuxHost({ name: "echo", log: QUIET });
  const ask = (destination: string, timeoutUs: number) =>
    new Promise<boolean>((resolve) => {
      host.ping({ source: "127.0.0.1", destination, timeoutUs }, resolve);
    });
  return Promise.all([
    ask("127.0.0.1", 5_000_000),
    ask("127.9.9.9", 5_000_000),
    ask("192.0.2.1", 20_000),
  ])
    .then((answers) => t.same(answers, [true, true, false]))
    .finally(() => host.close());
});

t.test("echo: a source that is no address of ours is refused in words", { skip }, async (t) => {
  const host = createLinuxHost({ name: "echo", log: QUIET });
  const probe = { source: "192.0.2.1", destination: "127.0.0.1", timeoutUs: 1000 };
  t.throws(() => host.ping(probe, () => undefined), /opening ICMP from 192.0.2.1/);
  host.close();
});
