/** RFC 4271 §8.2.2, in the order a session goes through them. */
export const BGP_STATES = [
  "Idle",
  "Connect",
  "Active",
  "OpenSent",
  "OpenConfirm",
  "Established",
] as const;
export type BgpState = (typeof BGP_STATES)[number];
