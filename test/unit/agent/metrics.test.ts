import { spawnSync } from "node:child_process";
import t from "tap";
import { EDGE_METRICS, type Scrape } from "../../../src/agent/metrics/edge-metrics.ts";
import { LoopLag } from "../../../src/agent/metrics/loop-lag.ts";
import { EdgeMetrics } from "../../../src/agent/metrics/metrics.ts";
import { ScrapeRegistry } from "../../../src/agent/metrics/registry.ts";
import type { BfdSessionView } from "../../../src/bfd/sessions/contract.ts";
import { fakeAgent } from "../../support/agent-view.ts";
import { noPromtool as skip } from "../../support/promtool.ts";

async function scrape(): Promise<string> {
  const { view } = fakeAgent();
  let bfd: readonly BfdSessionView[] = [];
  view.bfd((sessions) => {
    bfd = sessions;
  });
  const process = { node: "v20", rssOctets: 1_000, cpuSec: 0.5, startedSec: 1_700_000_000 };
  const registry = new ScrapeRegistry<Scrape>(EDGE_METRICS);
  return registry.text({ view, bfd, loopLag: new LoopLag().view(), process });
}

t.test("metrics: the page as promtool wants it", { skip }, async (t) => {
  const page = await scrape();
  const promtool = spawnSync("promtool", ["check", "metrics"], { input: page, encoding: "utf8" });
  t.equal(promtool.status, 0, promtool.stderr + promtool.stdout);
  t.ok(page.split("\n").length > 100);
});

t.test("metrics: the start of the process does not move with the wall clock", async (t) => {
  const metrics = new EdgeMetrics(fakeAgent().view);
  const now = Date.now;
  t.teardown(() => {
    metrics.stop();
    Date.now = now;
  });
  const started = async () =>
    /^process_start_time_seconds (\d+)$/m.exec((await metrics.page()).text)?.[1];
  const first = await started();
  t.ok(Math.abs(Number(first) - now() / 1_000) < 3_600);
  Date.now = () => now() + 86_400_000;
  t.equal(await started(), first, "or it reads as a restart");
});

t.test("metrics: what is down is 0, never absent", async (t) => {
  const lines = new Set((await scrape()).split("\n"));
  const has = (line: string) => t.ok(lines.has(line), line);
  has('causeway_bgp_peer_up{peer="vbr1"} 1');
  has('causeway_bgp_peer_up{peer="vbr2"} 0');
  has('causeway_bgp_peer_admin_up{peer="vbr2"} 1');
  has('causeway_bgp_peer_state{peer="vbr2",state="Idle"} 1');
  has('causeway_bgp_peer_state{peer="vbr2",state="Established"} 0');
  has('causeway_bgp_peer_resets_total{peer="vbr2",reason="hold_timer"} 1');
  has('causeway_bgp_peer_resets_total{peer="vbr2",reason="bfd_down"} 0');
  has('causeway_bgp_peer_prefixes{peer="vbr2",afi_safi="ipv4-unicast",rib="received"} 4');
  has('causeway_bgp_peer_prefixes{peer="vbr2",afi_safi="ipv4-unicast",rib="stale"} 4');
  has('causeway_bgp_peer_prefixes{peer="vbr1",afi_safi="ipv4-unicast",rib="stale"} 0');
  has('causeway_bgp_peer_prefixes{peer="vbr2",afi_safi="ipv4-unicast",rib="advertised"} 0');
  has('causeway_bgp_peer_prefixes{peer="vbr1",afi_safi="ipv4-unicast",rib="advertised"} 3');
  has('causeway_bgp_peer_prefix_limit{peer="vbr1",afi_safi="ipv4-unicast"} 110');
  has('causeway_bfd_session_up{peer="vbr2"} 0');
  has('causeway_bfd_session_transitions_total{peer="vbr1",from="Up",to="Down",diag="1"} 1');
  has('causeway_bfd_tx_lateness_seconds_bucket{peer="vbr1",le="0.0001"} 3');
  has('causeway_bfd_tx_lateness_seconds_bucket{peer="vbr1",le="+Inf"} 9');
  has('causeway_bfd_tx_lateness_seconds_count{peer="vbr1"} 9');
  has('causeway_circuit_up{circuit="vbr2"} 0');
  has('causeway_circuit_state{circuit="vbr2",state="down"} 1');
  has('causeway_fib_sync_errors_total{op="route-add",errno="ENETUNREACH"} 1');
  has("causeway_config_last_apply_success 1");
});
