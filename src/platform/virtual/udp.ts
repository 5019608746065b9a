import { assert } from "../../core/assert.ts";
import type { Udp, UdpDatagram, UdpOptions, UdpSocket } from "../contract.ts";
import type { Interface } from "./interface.ts";
import { type Ip, ip } from "./ip.ts";
import type { Packet, UdpBody } from "./packet.ts";
import type { Process } from "./process.ts";
import {
  type Binding,
  bestMatch,
  checkBinding,
  EphemeralPorts,
  interfaceNamed,
  localAddress,
  type SocketContext,
} from "./sockets.ts";

/**
 * UDP of a virtual host. What is sent is copied at once; what arrives is handed over in a buffer
 * that the next datagram overwrites, so that whoever keeps octets without copying them notices.
 * Datagrams for a frozen process wait in its socket up to the receive buffer, then are lost.
 */
export class UdpStack {
  readonly #context: SocketContext;
  readonly #ports: EphemeralPorts;
  readonly #sockets = new Map<number, Socket[]>();

  constructor(context: SocketContext) {
    this.#context = context;
    this.#ports = new EphemeralPorts(context.firstEphemeralPort);
    context.stack.register("udp", (packet, via) => this.#receive(packet, via));
  }

  /** UDP as one process has it. */
  facade(process: Process): Udp {
    return { open: (options, receive) => this.#open(process, options, receive) };
  }

  #open(
    process: Process,
    options: UdpOptions,
    receive: (datagram: UdpDatagram) => void,
  ): UdpSocket {
    const wanted = {
      address: localAddress(this.#context, options.localAddress),
      port: options.port,
      via: interfaceNamed(this.#context, options.device),
    };
    checkBinding(this.#context, wanted, this.#sockets.get(options.port) ?? []);
    const port =
      options.port === 0
        ? this.#ports.take((free) => this.#sockets.get(free) === undefined)
        : options.port;
    const close = () => {
      socket.isClosed = true;
      held.disown();
      const left = (this.#sockets.get(port) ?? []).filter((other) => other !== socket);
      if (left.length > 0) this.#sockets.set(port, left);
      else this.#sockets.delete(port);
    };
    const socket = new Socket(this.#context, process, { ...wanted, port, options, receive, close });
    const held = process.own(close);
    this.#sockets.set(port, [...(this.#sockets.get(port) ?? []), socket]);
    return socket;
  }

  #receive(packet: Packet, via: Interface): void {
    const { body } = packet;
    assert(body.kind === "udp", "only UDP is registered for UDP");
    const sockets = this.#sockets.get(body.destinationPort) ?? [];
    const socket = bestMatch(sockets, packet.destination, via);
    if (socket !== undefined) {
      socket.take(packet, body, via);
    } else {
      this.#context.stack.discard(packet, "no-socket");
      this.#context.stack.sendIcmp(packet, "port-unreachable", { from: packet.destination });
    }
  }
}

class Socket implements UdpSocket, Binding {
  readonly address: Ip;
  readonly port: number;
  readonly via: Interface | undefined;
  readonly close: () => void;
  isClosed = false;
  sendErrors = 0;
  readonly #context: SocketContext;
  readonly #process: Process;
  readonly #options: UdpOptions;
  readonly #receive: (datagram: UdpDatagram) => void;
  #waitingOctets = 0;

  constructor(
    context: SocketContext,
    process: Process,
    made: Binding & {
      readonly options: UdpOptions;
      readonly receive: (datagram: UdpDatagram) => void;
      readonly close: () => void;
    },
  ) {
    this.#context = context;
    this.#process = process;
    this.address = made.address;
    this.port = made.port;
    this.via = made.via;
    this.#options = made.options;
    this.#receive = made.receive;
    this.close = made.close;
  }

  send(octets: Uint8Array, remoteAddress: string, remotePort: number): void {
    if (this.isClosed) return;
    const { stack } = this.#context;
    const destination = ip(remoteAddress);
    const source = this.address.isAny ? stack.sourceFor(destination, this.via) : this.address;
    const reason =
      source === undefined
        ? "no-route"
        : stack.output({
            source,
            destination,
            ttl: this.#options.ttl,
            tos: this.#options.tos ?? 0,
            via: this.via,
            body: {
              kind: "udp",
              sourcePort: this.port,
              destinationPort: remotePort,
              octets: octets.slice(),
            },
          });
    // A device without carrier takes a packet and loses it; the rest is an error of sendto(2).
    if (reason !== undefined && reason !== "no-carrier") this.sendErrors += 1;
  }

  take(packet: Packet, body: UdpBody, via: Interface): void {
    if (this.#options.isSendOnly === true) {
      this.#context.stack.discard(packet, "not-read");
      return;
    }
    if (this.#process.isRunning) {
      this.#hand(packet, body, via);
      return;
    }
    const octets = body.octets.length + RECEIVE_OVERHEAD_OCTETS;
    if (this.#waitingOctets + octets > RECEIVE_BUFFER_OCTETS) {
      this.#context.stack.discard(packet, "receive-buffer");
      return;
    }
    this.#waitingOctets += octets;
    this.#process.post(() => {
      this.#waitingOctets -= octets;
      this.#hand(packet, body, via);
    });
  }

  #hand(packet: Packet, body: UdpBody, via: Interface): void {
    if (this.isClosed) return;
    const { octets } = body;
    const handOver = handOverOf(octets.length);
    handOver.set(octets);
    this.#receive({
      octets: handOver,
      remoteAddress: packet.source.text,
      remotePort: body.sourcePort,
      localAddress: packet.destination.text,
      device: via.device,
      ttl: packet.ttl,
    });
  }
}

/** Handlers run one at a time, so one buffer serves every socket; a view of it for each length. */
const handOverBuffer = new ArrayBuffer(65_536);
const handOvers: Uint8Array[] = [];

function handOverOf(length: number): Uint8Array {
  const known = handOvers[length];
  if (known !== undefined) return known;
  const made = new Uint8Array(handOverBuffer, 0, length);
  if (length < HAND_OVERS_MAX) handOvers[length] = made;
  return made;
}

const HAND_OVERS_MAX = 256;
/** Linux: net.core.rmem_default, and what a small packet costs of it. */
const RECEIVE_BUFFER_OCTETS = 212_992;
const RECEIVE_OVERHEAD_OCTETS = 768;
