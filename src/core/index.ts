/** Ring 0, the public entry `causeway/core`: time, machines, octets, addresses, values. */
export { type AddressOctets, Afi, afiOf, formatAddress, parseAddress } from "./address.ts";
export { AppError, PlatformError } from "./app-error.ts";
export { Deadlines } from "./deadlines.ts";
export type { Log, LogEvent, LogFields, LogLevel } from "./log.ts";
export type { Machine } from "./machine.ts";
export { formatPrefix, type Prefix, parsePrefix } from "./prefix.ts";
export { err, ok, type Result } from "./result.ts";
export { type Rng, seededRng } from "./rng.ts";
export { after, formatDurationUs, type Micros, micros, parseDurationUs } from "./time.ts";
