import { LIMITS } from "../../core/limits.ts";
import { secretOctetsMax } from "../wire/auth.ts";
import type { BfdAuthConfig, BfdSessionConfig } from "./contract.ts";

/**
 * What is wrong with a set of sessions, in words; undefined where it can be configured. The linter
 * asks before an operator's file is taken; `BfdSessions` asserts that somebody asked.
 */
export function checkSessions(sessions: readonly BfdSessionConfig[]): string | undefined {
  if (sessions.length > LIMITS.bfdSessions) return `more than ${LIMITS.bfdSessions} sessions`;
  const names = new Set<string>();
  const byAddresses = new Map<string, BfdSessionConfig[]>();
  for (const session of sessions) {
    const wrong = checkSession(session);
    if (wrong !== undefined) return `session ${session.name}: ${wrong}`;
    if (names.has(session.name)) return `two sessions are named ${session.name}`;
    names.add(session.name);
    const { mode, remoteAddress, localAddress, device } = session;
    const addresses = addressesOf(mode, remoteAddress, localAddress);
    const others = byAddresses.get(addresses) ?? [];
    // One that takes any interface cannot be told from one that takes a certain one.
    const isAmbiguous = (other: BfdSessionConfig) =>
      device === undefined || other.device === undefined || other.device === device;
    const twin = others.find(isAmbiguous);
    if (twin !== undefined) return `sessions ${twin.name} and ${session.name} share a path`;
    byAddresses.set(addresses, [...others, session]);
  }
  return undefined;
}

/** What makes two configurations the same session: a change of it is an end and a beginning. */
export const pathOf = (config: BfdSessionConfig): string =>
  `${addressesOf(config.mode, config.remoteAddress, config.localAddress)} ${config.device ?? "*"}`;

export const addressesOf = (
  mode: BfdSessionConfig["mode"],
  remoteAddress: string,
  localAddress: string,
): string => `${mode} ${remoteAddress} ${localAddress}`;

function checkSession(session: BfdSessionConfig): string | undefined {
  const { desiredMinTxIntervalUs, requiredMinRxIntervalUs, detectMult, minTtl } = session;
  if (!isInteger(desiredMinTxIntervalUs, 1, 0xffff_ffff)) return "transmit interval out of range";
  // RFC 5880 §4.1 lets 0 ask for silence, but then nothing would ever be detected.
  if (!isInteger(requiredMinRxIntervalUs, 1, 0xffff_ffff)) return "receive interval out of range";
  if (!isInteger(detectMult, 1, 255)) return "detect multiplier is not 1 to 255";
  if (!isInteger(minTtl, 0, 255)) return "least TTL is not 0 to 255";
  return session.auth === undefined ? undefined : checkAuth(session.auth);
}

function checkAuth({ type, sendKeyId, keys }: BfdAuthConfig): string | undefined {
  const octetsMax = secretOctetsMax(type);
  for (const { id, secret } of keys) {
    if (!isInteger(id, 0, 255)) return `key id ${id} is not 0 to 255`;
    if (secret.length < 1 || secret.length > octetsMax) {
      return `the secret of key ${id} is not 1 to ${octetsMax} octets, as ${type} takes`;
    }
  }
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) return "a key id is used twice";
  return keys.some(({ id }) => id === sendKeyId) ? undefined : `no key ${sendKeyId} to send with`;
}

const isInteger = (value: number, min: number, max: number): boolean =>
  Number.isInteger(value) && value >= min && value <= max;
