import { type Command, Option } from "commander";
import type { Afi } from "../../core/address.ts";
import type { DecodeArgs } from "../../decode/decode.ts";
import { ENCODINGS, type Encoding } from "../../decode/record.ts";
import type { Context, GlobalOptions } from "../context.ts";
import { CliError, ExitCode } from "../exit.ts";

interface DecodeOptions extends GlobalOptions {
  readonly mrt?: boolean;
  readonly hex?: readonly string[];
  readonly encoding?: Encoding;
  readonly type?: number;
  readonly as4?: boolean;
  readonly session?: "ebgp" | "ibgp";
  readonly peerAs?: number;
  readonly extended?: boolean;
  readonly addPath?: readonly string[];
  readonly afi?: "ipv4" | "ipv6";
}

const FAMILIES = { ipv4: { afi: 1, safi: 1 }, ipv6: { afi: 2, safi: 1 } } as const;

/** MRT says all of this itself. */
const NOT_WITH_MRT = "hex encoding type as4 session peerAs extended addPath afi".split(" ");

/** `decode …`: octets from anywhere, what they say, and what a receiver does about them. */
export function registerDecode(program: Command, context: Context): void {
  program
    .command("decode")
    .description("what BGP and BFD octets say, and what a receiver does about them")
    .argument("[inputs...]", "JSON lines, hex text, pcap or pcapng, also gzipped; - is stdin")
    .addOption(
      new Option("--mrt", "the inputs are MRT files (RFC 6396), plain, gzip or bzip2").conflicts(
        NOT_WITH_MRT,
      ),
    )
    .option("--hex <octets...>", "octets in hexadecimal, in place of a file")
    .addOption(new Option("--encoding <what>", "what the octets are").choices(ENCODINGS))
    .option("--type <number>", "BGP message type of a body", parseWhole)
    .option("--as4", "the session has 4-octet AS numbers (RFC 6793)")
    .option("--no-as4", "the session has 2-octet AS numbers")
    .addOption(new Option("--session <kind>", "kind of session").choices(["ebgp", "ibgp"]))
    .option("--peer-as <as>", "AS of the sender, for the first-AS check", parseWhole)
    .option("--extended", "messages of up to 65535 octets were agreed (RFC 8654)")
    .option("--add-path <families...>", "families with path identifiers: ipv4 ipv6 (RFC 7911)")
    .addOption(new Option("--afi <family>", "of NLRI that stand alone").choices(["ipv4", "ipv6"]))
    .action(async (inputs: readonly string[], _options: unknown, command: Command) => {
      const { stdin, stdout, stderr } = context.streams;
      const options = command.optsWithGlobals<DecodeOptions>();
      if (options.mrt === true) {
        const { runMrt } = await import("../../decode/mrt/mrt.ts");
        const output = options.output === "json" ? "json" : "text";
        context.exitCode = await runMrt({ inputs, output }, { stdin, stdout, stderr });
        return;
      }
      // The default of a --no- option is true; only what was written counts as told.
      const isAs4Told = command.getOptionValueSource("as4") === "cli";
      const args = decodeArgs(inputs, options, isAs4Told);
      const { runDecode } = await import("../../decode/decode.ts");
      context.exitCode = await runDecode(args, { stdin, stdout, stderr });
    });
}

function decodeArgs(
  inputs: readonly string[],
  options: DecodeOptions,
  isAs4Told: boolean,
): DecodeArgs {
  const { hex, encoding, type, as4, session, peerAs, extended, addPath, afi } = options;
  return {
    inputs,
    output: options.output === "json" ? "json" : "text",
    ...(hex !== undefined && { hex }),
    ...(encoding !== undefined && { encoding }),
    ...(type !== undefined && { messageType: type }),
    ...(isAs4Told && as4 !== undefined && { as4 }),
    ...(session !== undefined && { session }),
    ...(peerAs !== undefined && { peerAs }),
    ...(extended !== undefined && { extendedMessages: extended }),
    ...(addPath !== undefined && { addPath: addPath.map(parseFamily) }),
    ...(afi !== undefined && { afi: FAMILIES[afi].afi as Afi }),
  };
}

function parseFamily(text: string) {
  if (text === "ipv4" || text === "ipv6") return FAMILIES[text];
  throw new CliError(ExitCode.Usage, `--add-path takes ipv4 and ipv6, not "${text}"`);
}

function parseWhole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CliError(ExitCode.Usage, `"${text}" is no whole number`);
}
