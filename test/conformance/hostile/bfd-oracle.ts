import type { BfdInput, BfdState } from "../../../src/bfd/sessions/contract.ts";
import { decodeControlPacket } from "../../../src/bfd/wire/control-packet.ts";
import type { Node } from "../../unit/bfd/harness.ts";

/** A change of state that RFC 5880 owes: when, to what, and why. */
export interface Owed {
  readonly at: number;
  readonly to: BfdState;
  readonly diag: number;
}

/**
 * RFC 5880 §6.8.4 and §6.8.6 for one session without options, written from the RFC alone: what
 * arrived, and when, is all that decides what the session does.
 */
export class BfdOracle {
  readonly owed: Owed[] = [];
  #state: BfdState = "Down";
  #diag = 0;
  #detectAt = Number.POSITIVE_INFINITY;
  readonly #requiredMinRxIntervalUs: number;

  constructor(requiredMinRxIntervalUs: number) {
    this.#requiredMinRxIntervalUs = requiredMinRxIntervalUs;
  }

  /** Sees every packet that a node is given. */
  watch(node: Node): void {
    const handle = node.handle.bind(node);
    node.handle = (input, now) => {
      if (input.kind === "packet") this.#arrived(input, now);
      handle(input, now);
    };
  }

  /** Time passed; a packet of the very instant was there before the timer. */
  passed(now: number): void {
    if (this.#detectAt > now || this.#state === "Down") return;
    this.#become("Down", 1, this.#detectAt);
    this.#detectAt = Number.POSITIVE_INFINITY;
  }

  #arrived({ octets }: Extract<BfdInput, { kind: "packet" }>, now: number): void {
    if (this.#detectAt < now) this.passed(now);
    const decoded = decodeControlPacket(octets);
    if (!decoded.ok) return;
    const { state: remote, detectMult, desiredMinTxIntervalUs } = decoded.value;
    const agreedUs = Math.max(this.#requiredMinRxIntervalUs, desiredMinTxIntervalUs);
    this.#detectAt = now + detectMult * agreedUs;
    const was = this.#state;
    // bfd.LocalDiag says why the session was lost until it is Up again.
    if (was === "Down" && remote === "Down") this.#become("Init", this.#diag, now);
    else if (was === "Down" && remote === "Init") this.#become("Up", 0, now);
    else if (was === "Init" && (remote === "Init" || remote === "Up")) this.#become("Up", 0, now);
    else if (was === "Up" && remote === "Down") this.#become("Down", 3, now);
  }

  #become(to: BfdState, diag: number, at: number): void {
    this.#state = to;
    this.#diag = diag;
    this.owed.push({ at, to, diag });
  }
}
