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

/** How far a session has come: 0 in Idle, 5 in Established. */
export const stateRank = (state: BgpState): number => BGP_STATES.indexOf(state);

/** Why a session ended, in one word: label values of `causeway_bgp_peer_resets_total`. */
export type ResetReason =
  | "bfd_down"
  | "link_down"
  | "hold_timer"
  | "send_hold_timer"
  | "notification_in"
  | "notification_out"
  | "tcp"
  | "admin"
  | "collision"
  | "config"
  | "prefix_limit"
  | "hold_off";
