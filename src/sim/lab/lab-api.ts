import type { Agent } from "../../agent/agent.ts";

/** Opens the agent's own API on a Unix socket, for `causeway show …` into a lab that is kept. */
export async function openLabApi(
  agent: Agent,
  socketPath: string,
): Promise<{ close(): Promise<void> }> {
  const [{ startApi }, { EdgeMetrics }] = await Promise.all([
    import("../../agent/api/server.ts"),
    import("../../agent/metrics/metrics.ts"),
  ]);
  const { view, journal } = agent;
  const metrics = new EdgeMetrics(view);
  const parts = { view, journal, metrics: () => metrics.page() };
  const server = await startApi({ listen: undefined, socketPath }, parts);
  return {
    async close() {
      metrics.stop();
      await server.close();
    },
  };
}
