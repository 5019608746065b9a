import type { Command } from "commander";
import { CliError, ExitCode } from "./exit.ts";

/**
 * Replaces every command word by the command it can only mean (`sh bgp su` → `show bgp summary`),
 * as routers do. Words that fit several are an error with the list; what fits none is left for the
 * parser, which knows what to suggest. Options and their values are passed over.
 */
export function expandCommandWords(program: Command, words: readonly string[]): string[] {
  const expanded: string[] = [];
  let command: Command = program;
  let isOver = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    expanded.push(word);
    if (isOver || word === "--") {
      isOver = true;
    } else if (word.startsWith("-")) {
      if (takesValue(program, word) && at + 1 < words.length) {
        at += 1;
        expanded.push(words[at] ?? "");
      }
    } else {
      const meant = subcommand(command, word);
      if (meant === undefined) isOver = true;
      else {
        expanded[expanded.length - 1] = meant.name();
        command = meant;
      }
    }
  }
  return expanded;
}

function subcommand(command: Command, word: string): Command | undefined {
  const names = (candidate: Command) => [candidate.name(), ...candidate.aliases()];
  const exact = command.commands.find((candidate) => names(candidate).includes(word));
  if (exact !== undefined) return exact;
  const fitting = command.commands.filter((candidate) =>
    names(candidate).some((name) => name.startsWith(word)),
  );
  if (fitting.length <= 1) return fitting[0];
  const list = fitting.map((candidate) => candidate.name()).join(", ");
  throw new CliError(ExitCode.Usage, `"${word}" may mean ${list}: write one letter more`);
}

function takesValue(program: Command, word: string): boolean {
  if (word.includes("=")) return false;
  const option = program.options.find(({ short, long }) => short === word || long === word);
  return option?.required === true;
}
