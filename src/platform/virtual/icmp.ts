import { assert } from "../../core/assert.ts";
import type { Interface } from "./interface.ts";
import { type Ip, ip } from "./ip.ts";
import type { IpStack } from "./ip-stack.ts";
import type { Packet } from "./packet.ts";
import type { Timeline } from "./timeline.ts";

export interface PingOptions {
  readonly source?: string;
  readonly destination: string;
  readonly ttl?: number;
  readonly timeoutUs: number;
}

export interface PingResult {
  readonly outcome: "reply" | "timeout" | "net-unreachable" | "time-exceeded" | "not-sent";
  readonly rttUs: number;
  /** Who answered. */
  readonly from: string | undefined;
}

/**
 * ICMP of a virtual host: answers echo requests (unless told not to), sends them for health checks,
 * and hands errors to TCP.
 */
export class IcmpStack {
  readonly #stack: IpStack;
  readonly #timeline: Timeline;
  readonly #tcpError: (packet: Packet) => void;
  readonly #waiting = new Map<number, (result: Omit<PingResult, "rttUs">) => void>();
  #nextIdentifier = 1;
  /** Asked for every echo request: false leaves it unanswered (a filter, a rate limit). */
  answersEcho: (packet: Packet) => boolean = () => true;

  constructor(stack: IpStack, timeline: Timeline, tcpError: (packet: Packet) => void) {
    this.#stack = stack;
    this.#timeline = timeline;
    this.#tcpError = tcpError;
    stack.register("icmp", (packet, via) => this.#receive(packet, via));
  }

  ping(options: PingOptions, done: (result: PingResult) => void): void {
    const destination = ip(options.destination);
    const source =
      options.source === undefined ? this.#stack.sourceFor(destination) : ip(options.source);
    const identifier = this.#nextIdentifier;
    this.#nextIdentifier += 1;
    const sentAt = this.#timeline.now;
    const finish = (result: Omit<PingResult, "rttUs">) => {
      if (!this.#waiting.delete(identifier)) return;
      this.#timeline.cancel(timeout);
      done({ ...result, rttUs: this.#timeline.now - sentAt });
    };
    const timeout = this.#timeline.call(sentAt + options.timeoutUs, () =>
      finish({ outcome: "timeout", from: undefined }),
    );
    this.#waiting.set(identifier, finish);
    const reason =
      source === undefined ? "no-route" : this.#send(source, destination, identifier, options.ttl);
    if (reason === undefined) return;
    this.#timeline.call(sentAt, () => finish({ outcome: "not-sent", from: undefined }));
  }

  #send(source: Ip, destination: Ip, identifier: number, ttl = 64): string | undefined {
    return this.#stack.output({
      source,
      destination,
      ttl,
      tos: 0,
      body: {
        kind: "icmp",
        type: "echo-request",
        identifier,
        sequence: 1,
        about: undefined,
        mtu: 0,
      },
    });
  }

  #receive(packet: Packet, _via: Interface): void {
    const { body } = packet;
    assert(body.kind === "icmp", "only ICMP is registered for ICMP");
    if (body.type === "echo-request") {
      if (this.answersEcho(packet)) {
        this.#stack.sendIcmp(packet, "echo-reply", { from: packet.destination });
      } else {
        this.#stack.discard(packet, "icmp-ignored");
      }
    } else if (body.type === "echo-reply") {
      this.#waiting.get(body.identifier)?.({ outcome: "reply", from: packet.source.text });
    } else if (body.about?.body.kind === "tcp") {
      this.#tcpError(packet);
    } else if (body.about?.body.kind === "icmp" && body.type !== "port-unreachable") {
      const outcome = body.type === "time-exceeded" ? "time-exceeded" : "net-unreachable";
      this.#waiting.get(body.about.body.identifier)?.({ outcome, from: packet.source.text });
    }
  }
}
