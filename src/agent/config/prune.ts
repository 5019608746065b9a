import { type Path, Problems } from "./problem.ts";
import { type EdgeFile, edgeFileSchema, SECTIONS } from "./schema.ts";
import { checkShape } from "./schema-check.ts";

/** The parts of a file that can be judged, with the place of each list item in the file. */
export interface SoundFile {
  readonly file: EdgeFile;
  readonly places: Readonly<Record<ListSection, readonly number[]>>;
  /** Nothing had to be left out, so that what refers to something else can be judged as well. */
  readonly isWhole: boolean;
}

type ListSection = (typeof LIST_SECTIONS)[number];
const LIST_SECTIONS = ["circuits", "neighbors", "announce"] as const;

/**
 * One misspelt key must not hide all that is wrong elsewhere: the items and sections the schema
 * refused are left out, the rest is judged. Undefined where too little is left.
 */
export function soundParts(data: unknown, problems: Problems): SoundFile | undefined {
  const { faultyPaths: faulty } = checkShape(edgeFileSchema, data, problems);
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  if (faulty.length === 0) {
    return { file: data as EdgeFile, places: placesOf(data, []), isWhole: true };
  }
  const rest: Record<string, unknown> = { ...data };
  for (const key of Object.keys(rest)) {
    if (!SECTIONS.includes(key)) delete rest[key];
    const isListed = (LIST_SECTIONS as readonly string[]).includes(key);
    const section = rest[key];
    if (isListed && Array.isArray(section)) {
      rest[key] = section.filter((_, index) => !isFaulty(faulty, [key, index]));
      if (faulty.some((path) => path.length === 1 && path[0] === key)) delete rest[key];
    } else if (isFaulty(faulty, [key])) delete rest[key];
  }
  const silent = new Problems("", {
    placeOf: () => ({ line: 1, column: 1 }),
    isAllowed: () => true,
  });
  if (checkShape(edgeFileSchema, rest, silent).faultyPaths.length > 0) return undefined;
  return { file: rest as EdgeFile, places: placesOf(data, faulty), isWhole: false };
}

function placesOf(data: object, faulty: readonly Path[]): SoundFile["places"] {
  const placesIn = (section: ListSection): number[] => {
    const items: unknown = (data as Readonly<Record<string, unknown>>)[section];
    if (!Array.isArray(items)) return [];
    return [...items.keys()].filter((index) => !isFaulty(faulty, [section, index]));
  };
  return {
    circuits: placesIn("circuits"),
    neighbors: placesIn("neighbors"),
    announce: placesIn("announce"),
  };
}

const isFaulty = (faulty: readonly Path[], at: Path): boolean =>
  faulty.some((path) => at.every((step, depth) => path[depth] === step));
