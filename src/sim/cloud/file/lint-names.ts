/** Names of the cloud's file: unique where they must be, known where they are used. */
import { vpcTableName } from "./build-routes.ts";
import { regionsOf } from "./hubs.ts";
import type { CloudFile } from "./schema.ts";

export type LintPath = readonly (string | number)[];
export type Tell = (path: LintPath, code: string, message: string) => void;

interface Named {
  readonly name: string;
}

export function lintNames(source: CloudFile, error: Tell): void {
  lintNodes(source, error);
  for (const key of ["regions", "accessPoints", "connections", "failoverGroups"] as const) {
    unique(source[key] ?? [], [key], error);
  }
  unique(source.endpoints ?? [], ["endpoints"], error);
  lintCircuits(source, error);
  lintReferences(source, error);
}

/** Nodes are hosts and connections are told of by name, so no two share one, of whatever kind. */
function lintNodes(source: CloudFile, error: Tell): void {
  const seen = new Set(source.ecr === undefined ? [] : [source.ecr.name]);
  for (const key of ["vbrs", "transitRouters", "vpcs", "vpns", "peerings"] as const) {
    for (const [index, { name }] of (source[key] ?? []).entries()) {
      if (seen.has(name))
        error([key, index, "name"], "C101", `two things here are called "${name}"`);
      seen.add(name);
    }
  }
  for (const { name, path } of derivedNodes(source)) {
    const message = `its node is called "${name}", as another thing is`;
    if (seen.has(name)) error(path, "C101", message);
    seen.add(name);
  }
}

/** Nodes beyond those that carry a name of the file: of regions, tunnels and route tables. */
export function derivedNodes(
  source: CloudFile,
): readonly { readonly name: string; readonly path: LintPath }[] {
  const { ecr, vpns = [], vpcs = [], transitRouters = [] } = source;
  const away = ecr === undefined ? [] : regionsOf(source).slice(1);
  return [
    ...away.map((region) => ({ name: `${ecr?.name}-${region}`, path: ["ecr", "name"] })),
    ...vpns.flatMap(({ name, second }, index) =>
      second === undefined ? [] : [{ name: `${name}-2`, path: ["vpns", index, "second"] }],
    ),
    ...vpcs.flatMap(({ name, tables = [] }, index) =>
      tables.map((table, at) => {
        const path = ["vpcs", index, "tables", at, "name"];
        return { name: vpcTableName(name, table.name), path };
      }),
    ),
    ...transitRouters.flatMap(({ name, tables = [] }, index) =>
      tables.slice(1).map((table, at) => {
        const path = ["transitRouters", index, "tables", at + 1];
        return { name: table === tables[0] ? name : `${name}-${table}`, path };
      }),
    ),
  ];
}

function unique(items: readonly Named[], path: LintPath, error: Tell): void {
  const seen = new Set<string>();
  for (const [index, { name }] of items.entries()) {
    if (seen.has(name)) error([...path, index, "name"], "C101", `"${name}" stands here twice`);
    seen.add(name);
  }
}

function lintCircuits(source: CloudFile, error: Tell): void {
  const seen = new Set<string>();
  for (const key of ["vbrs", "vpns"] as const) {
    for (const [index, { circuit }] of (source[key] ?? []).entries()) {
      const path = [key, index, "circuit"];
      const what = key === "vbrs" ? "VBRs end" : "nodes end";
      if (seen.has(circuit)) error(path, "C101", `two ${what} the circuit "${circuit}"`);
      seen.add(circuit);
    }
  }
  for (const [index, { second }] of (source.vpns ?? []).entries()) {
    if (second === undefined) continue;
    const path = ["vpns", index, "second", "circuit"];
    if (seen.has(second.circuit)) {
      error(path, "C101", `two nodes end the circuit "${second.circuit}"`);
    }
    seen.add(second.circuit);
  }
}

function lintReferences(source: CloudFile, error: Tell): void {
  const known = (kind: string, names: readonly string[] | undefined) => {
    return (name: string | undefined, path: LintPath) => {
      if (name === undefined || names?.includes(name)) return;
      const list = names === undefined || names.length === 0 ? "none" : names.join(", ");
      error(path, "C106", `there is no ${kind} "${name}" here; known are ${list}`);
    };
  };
  const namesOf = (items: readonly Named[] | undefined) => (items ?? []).map(({ name }) => name);
  const region = known("region", regionsOf(source));
  const accessPoint = known("access point", namesOf(source.accessPoints));
  const connection = known("physical connection", namesOf(source.connections));
  const vbr = known("VBR", namesOf(source.vbrs));
  const vpc = known("VPC", namesOf(source.vpcs));
  for (const key of ["accessPoints", "transitRouters", "vpcs", "vpns"] as const) {
    for (const [index, one] of (source[key] ?? []).entries()) {
      region(one.region, [key, index, "region"]);
    }
  }
  for (const [index, one] of (source.connections ?? []).entries()) {
    accessPoint(one.accessPoint, ["connections", index, "accessPoint"]);
  }
  for (const [index, one] of source.vbrs.entries()) {
    connection(one.connection, ["vbrs", index, "connection"]);
    if (source.connections !== undefined && one.connection === undefined) {
      const message = `${one.name} needs the key connection, since this file has connections`;
      error(["vbrs", index], "C106", message);
    }
  }
  for (const [index, group] of (source.failoverGroups ?? []).entries()) {
    for (const [at, name] of group.vbrs.entries()) {
      vbr(name, ["failoverGroups", index, "vbrs", at]);
    }
  }
  for (const [index, peering] of (source.peerings ?? []).entries()) {
    vbr(peering.vbr, ["peerings", index, "vbr"]);
    vpc(peering.vpc, ["peerings", index, "vpc"]);
  }
  for (const [index, endpoint] of (source.endpoints ?? []).entries()) {
    vpc(endpoint.vpc, ["endpoints", index, "vpc"]);
  }
}
