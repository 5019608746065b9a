/** Faults of the edge that are changes of data, the same in every lab. */
import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import { AppError } from "../../core/app-error.ts";
import { NO_API } from "../cloud/routers/node-parts.ts";

/** The lab opens one where it is wanted. */
export const withoutApi = (config: EdgeConfig): EdgeConfig => ({ ...config, api: NO_API });

/** The edge without one of its announcements: what a health input that went bad asks for. */
export const withoutAnnounced =
  (prefix: string) =>
  (config: EdgeConfig): EdgeConfig => ({
    ...config,
    announce: config.announce.filter((own) => own.prefix !== prefix),
  });

/** The edge with an announcement again, as its file has it. */
export const withAnnounced =
  (prefix: string, file: EdgeConfig) =>
  (config: EdgeConfig): EdgeConfig => ({
    ...config,
    announce: file.announce.filter((own) => own.prefix === prefix || config.announce.includes(own)),
  });

/** Throws where the edge answered a new file otherwise than the drill says it must. */
export function judgeReload(
  {
    edge,
    answer,
  }: {
    readonly edge: { readonly name: string };
    readonly answer: "accepted" | "refused";
  },
  refusal: string | undefined,
): void {
  if ((refusal === undefined) === (answer === "accepted")) return;
  const said = refusal === undefined ? "took it" : `refused it: ${refusal}`;
  throw new AppError("DRILL_DEED", `reload with ${edge.name}: the edge ${said}`);
}

/** Control-plane policing: answers so many pings a second and drops the rest. */
export function icmpPolicer(perSec: number, now: () => number): () => boolean {
  let second = -1;
  let answered = 0;
  return () => {
    const current = Math.floor(now() / 1_000_000);
    if (current !== second) {
      second = current;
      answered = 0;
    }
    answered += 1;
    return answered <= perSec;
  };
}
