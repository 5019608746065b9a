import { spawnSync } from "node:child_process";

const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;

/** For the option `skip` of a test that needs Prometheus' own rules engine. */
export const noPromtool: string | false = hasPromtool
  ? false
  : "promtool is not installed (Debian package prometheus)";
