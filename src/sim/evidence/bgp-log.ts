/**
 * Every BGP message that the edge's speaker was given or sent, and every state of its sessions, as
 * BGP4MP_ET records (RFC 6396 §4.4). It listens where the recorder of a live agent does.
 */
import { BGP_STATES, type BgpState } from "../../bgp/fsm/state.ts";
import type { SpeakerEffect } from "../../bgp/speaker/effects.ts";
import type { SpeakerInput } from "../../bgp/speaker/inputs.ts";
import type { PeerView, SpeakerView } from "../../bgp/speaker/view.ts";
import { Framer } from "../../bgp/wire/framer.ts";
import { AS_TRANS } from "../../bgp/wire/iana.ts";
import { Bgp4mpSubtype, MrtType } from "../../bgp/wire/mrt-codes.ts";
import { ByteWriter } from "../../core/bytes.ts";
import type { DriverObserver } from "../../platform/driver.ts";
import { addressOctets, afiOfOctets, type MrtSink, mrtRecord } from "./mrt.ts";

export type SpeakerObserver = DriverObserver<SpeakerInput, SpeakerEffect>;

/** An observer is asked for before the speaker it observes is there: it is made when it hears. */
export function lateObserver(make: () => SpeakerObserver | undefined): SpeakerObserver {
  let observer: SpeakerObserver | undefined;
  return {
    observe(input, at) {
      observer ??= make();
      observer?.observe(input, at);
    },
    answered: (effects) => observer?.answered?.(effects),
  };
}

interface Stream {
  readonly remoteAddress: string;
  localAddress: string | undefined;
  readonly in: Framer;
  readonly out: Framer;
}

/** Of one life of the daemon; `epochUs` is what 1970 is on the host's clock, negated. */
export class BgpLog implements SpeakerObserver {
  readonly #speaker: SpeakerView;
  readonly #file: MrtSink;
  readonly #epochUs: number;
  readonly #streams = new Map<number, Stream>();
  #now = 0;

  constructor(speaker: SpeakerView, file: MrtSink, epochUs: number) {
    this.#speaker = speaker;
    this.#file = file;
    this.#epochUs = epochUs;
  }

  observe(input: SpeakerInput | "alarm", at: number): void {
    this.#now = at;
    if (input === "alarm") return;
    if (input.kind === "tcp-accepted") {
      this.#open(input.connection, input.remoteAddress, input.localAddress);
    } else if (input.kind === "tcp-connected") {
      const stream = this.#streams.get(input.connection);
      if (stream !== undefined) stream.localAddress = input.localAddress;
    } else if (input.kind === "tcp-data") {
      this.#heard(input.connection, input.octets, "in");
    } else if (input.kind === "tcp-closed") {
      this.#streams.delete(input.connection);
    }
  }

  answered(effects: readonly SpeakerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "tcp-connect") {
        const peer = this.#speaker.peer(effect.peer);
        if (peer !== undefined) this.#open(effect.connection, peer.config.remoteAddress, undefined);
      } else if (effect.kind === "tcp-send") {
        this.#heard(effect.connection, effect.octets, "out");
      } else if (effect.kind === "tcp-close") {
        this.#streams.delete(effect.connection);
      } else if (effect.kind === "session") {
        const peer = this.#speaker.peer(effect.peer);
        if (peer !== undefined) this.#changed(peer, effect.from, effect.to);
      }
    }
  }

  #open(connection: number, remoteAddress: string, localAddress: string | undefined): void {
    const ways = { in: new Framer(), out: new Framer() };
    this.#streams.set(connection, { remoteAddress, localAddress, ...ways });
  }

  #heard(connection: number, octets: Uint8Array, way: "in" | "out"): void {
    const stream = this.#streams.get(connection);
    const peer = this.#speaker
      .peers()
      .find(({ config }) => config.remoteAddress === stream?.remoteAddress);
    // A connection of nobody has no AS to be told.
    if (stream === undefined || peer === undefined) return;
    const framer = stream[way];
    // A framer reads where the octets lie, and these belong to others.
    framer.push(octets.slice());
    const as4 = peer.negotiated?.as4 ?? true;
    const { Message, MessageAs4, MessageLocal, MessageAs4Local } = Bgp4mpSubtype;
    const subtypes = as4
      ? { in: MessageAs4, out: MessageAs4Local }
      : { in: Message, out: MessageLocal };
    for (let frame = framer.next(true); frame.ok && frame.value; frame = framer.next(true)) {
      const body = this.#head(peer, stream.localAddress, as4);
      this.#add(subtypes[way], body.octets(frame.value.octets));
    }
  }

  #changed(peer: PeerView, from: BgpState, to: BgpState): void {
    const number = (state: BgpState) => BGP_STATES.indexOf(state) + 1;
    const body = this.#head(peer, undefined, true).u16(number(from)).u16(number(to));
    this.#add(Bgp4mpSubtype.StateChangeAs4, body);
  }

  #add(subtype: number, body: ByteWriter): void {
    const kind = { type: MrtType.Bgp4mpEt, subtype };
    this.#file.append(mrtRecord(this.#epochUs + this.#now, kind, body.finish()));
  }

  /** AS numbers, interface, family and addresses of a session. */
  #head({ config, negotiated }: PeerView, local: string | undefined, as4: boolean): ByteWriter {
    const { remoteAs = 0, localAs = this.#speaker.localAs, remoteAddress } = config;
    const remote = addressOctets(remoteAddress, remoteAddress);
    const known = local ?? negotiated?.localAddress ?? config.localAddress;
    const body = new ByteWriter();
    if (as4) body.u32(remoteAs).u32(localAs);
    else body.u16(as2(remoteAs)).u16(as2(localAs));
    body.u16(0).u16(afiOfOctets(remote)).octets(remote);
    return body.octets(addressOctets(known, remoteAddress));
  }
}

const as2 = (as: number): number => (as > 0xffff ? AS_TRANS : as);
