import type { Event, FsmEffect } from "../../src/bgp/fsm/event.ts";
import { handle } from "../../src/bgp/fsm/machine.ts";
import { type LocalOpen, negotiate, openMessage } from "../../src/bgp/fsm/negotiate.ts";
import { newSession, type Session, type SessionSettings } from "../../src/bgp/fsm/session.ts";
import type { BgpState } from "../../src/bgp/fsm/state.ts";
import { wireFault } from "../../src/bgp/wire/fault.ts";
import { CeaseSubcode, ErrorCode } from "../../src/bgp/wire/iana.ts";
import type { Capability } from "../../src/bgp/wire/message.ts";
import { seededRng } from "../../src/core/rng.ts";
import { type Micros, micros } from "../../src/core/time.ts";

export const IPV4 = { afi: 1, safi: 1 } as const;
export const IPV6 = { afi: 2, safi: 1 } as const;
export const T0 = micros(1_000_000);

/** AS 65001 at 10.0.0.1 towards AS 45104; everything a modern router announces. */
export function localOpen(changes: Partial<LocalOpen> = {}): LocalOpen {
  const localAs = changes.localAs ?? 65001;
  const capabilities: readonly Capability[] = [
    { kind: "multiprotocol", family: IPV4 },
    { kind: "route-refresh" },
    { kind: "enhanced-route-refresh" },
    { kind: "extended-message" },
    { kind: "four-octet-as", as: localAs },
  ];
  return {
    localAs,
    bgpIdentifier: 0x0a00_0001,
    remoteAs: 45104,
    holdTimeSec: 90,
    holdTimeSecMin: 0,
    keepaliveTimeSec: 30,
    families: [IPV4],
    capabilities,
    isRoleStrict: false,
    ...changes,
  };
}

/** The peer of `localOpen`: AS 45104 at 10.0.0.2. */
export const remoteOpen = (changes: Partial<LocalOpen> = {}) =>
  openMessage(
    localOpen({ localAs: 45104, remoteAs: 65001, bgpIdentifier: 0x0a00_0002, ...changes }),
  );

export const settings = (changes: Partial<SessionSettings> = {}): SessionSettings => ({
  local: localOpen(),
  isPassive: false,
  connectRetryTimeSec: 120,
  delayOpenTimeSec: 0,
  sendHoldTimeSec: 480,
  idleHoldTimeSec: 5,
  idleHoldTimeSecMax: 300,
  ...changes,
});

export const cease = {
  subcode: CeaseSubcode.AdministrativeShutdown,
  data: Uint8Array.of(1, 0x78),
  reason: "admin",
  text: "stopped by hand",
} as const;

const notification = { code: 6, subcode: 2, text: "peer sent Cease/Administrative Shutdown" };

/** One example of every event; its keys are all events there are. */
export const EVENTS: Readonly<Record<Event["kind"], Event>> = {
  ManualStart: { kind: "ManualStart" },
  ManualStop: { kind: "ManualStop", cease },
  AutomaticStart: { kind: "AutomaticStart" },
  ManualStart_with_PassiveTcpEstablishment: { kind: "ManualStart_with_PassiveTcpEstablishment" },
  AutomaticStart_with_PassiveTcpEstablishment: {
    kind: "AutomaticStart_with_PassiveTcpEstablishment",
  },
  AutomaticStart_with_DampPeerOscillations: { kind: "AutomaticStart_with_DampPeerOscillations" },
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: {
    kind: "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment",
  },
  AutomaticStop: { kind: "AutomaticStop", cease },
  ConnectRetryTimer_Expires: { kind: "ConnectRetryTimer_Expires" },
  HoldTimer_Expires: { kind: "HoldTimer_Expires" },
  KeepaliveTimer_Expires: { kind: "KeepaliveTimer_Expires" },
  DelayOpenTimer_Expires: { kind: "DelayOpenTimer_Expires" },
  IdleHoldTimer_Expires: { kind: "IdleHoldTimer_Expires" },
  TcpConnection_Valid: { kind: "TcpConnection_Valid" },
  Tcp_CR_Invalid: { kind: "Tcp_CR_Invalid" },
  Tcp_CR_Acked: { kind: "Tcp_CR_Acked" },
  TcpConnectionConfirmed: { kind: "TcpConnectionConfirmed" },
  TcpConnectionFails: { kind: "TcpConnectionFails", text: "connection reset by peer" },
  BGPOpen: { kind: "BGPOpen", negotiated: negotiated() },
  BGPOpen_with_DelayOpenTimer_running: {
    kind: "BGPOpen_with_DelayOpenTimer_running",
    negotiated: negotiated(),
  },
  BGPHeaderErr: { kind: "BGPHeaderErr", fault: faultOf(ErrorCode.MessageHeaderError, 2) },
  BGPOpenMsgErr: { kind: "BGPOpenMsgErr", fault: faultOf(ErrorCode.OpenMessageError, 2) },
  OpenCollisionDump: {
    kind: "OpenCollisionDump",
    cease: { ...cease, subcode: 7, data: new Uint8Array(), reason: "collision" },
  },
  NotifMsgVerErr: {
    kind: "NotifMsgVerErr",
    notification: { ...notification, code: 2, subcode: 1 },
  },
  NotifMsg: { kind: "NotifMsg", notification },
  KeepAliveMsg: { kind: "KeepAliveMsg" },
  UpdateMsg: { kind: "UpdateMsg" },
  UpdateMsgErr: { kind: "UpdateMsgErr", fault: faultOf(ErrorCode.UpdateMessageError, 1) },
  SendHoldTimer_Expires: { kind: "SendHoldTimer_Expires" },
  RouteRefreshMsg: { kind: "RouteRefreshMsg" },
  RouteRefreshMsgErr: {
    kind: "RouteRefreshMsgErr",
    fault: faultOf(ErrorCode.RouteRefreshMessageError, 1),
  },
};

/** A session that came to `state` by the ordinary road, at `T0`. */
export function sessionIn(state: BgpState, changes: Partial<SessionSettings> = {}): Session {
  const session = newSession(settings(changes), seededRng(1), T0);
  const road: Readonly<Record<BgpState, readonly Event["kind"][]>> = {
    Idle: [],
    Connect: ["ManualStart"],
    Active: ["ManualStart", "TcpConnectionFails"],
    OpenSent: ["ManualStart", "Tcp_CR_Acked"],
    OpenConfirm: ["ManualStart", "Tcp_CR_Acked", "BGPOpen"],
    Established: ["ManualStart", "Tcp_CR_Acked", "BGPOpen", "KeepAliveMsg"],
  };
  for (const kind of road[state]) {
    const event = EVENTS[kind];
    const isOpen = event.kind === "BGPOpen";
    apply(session, isOpen ? { kind: "BGPOpen", negotiated: negotiated(changes.local) } : event);
  }
  if (session.state !== state) throw new Error(`no way to ${state}, stuck in ${session.state}`);
  return session;
}

export function apply(session: Session, event: Event, at: Micros = T0): FsmEffect[] {
  const out: FsmEffect[] = [];
  handle(session, event, at, out);
  return out;
}

export function negotiated(local: LocalOpen = localOpen()) {
  const result = negotiate(local, remoteOpen());
  if (!result.ok) throw new Error(result.fault.because);
  return result.value;
}

function faultOf(code: ErrorCode, subcode: number) {
  const data = Uint8Array.of(0xab);
  return wireFault({ code, subcode, data, reason: "test", because: `fault ${code}/${subcode}` });
}
