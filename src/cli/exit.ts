/** What a command's end means to a script; `--help` and docs/operations.md print this list. */
export const ExitCode = {
  Ok: 0,
  /** It was tried and did not work. */
  Failed: 1,
  /** Wrong arguments, or a configuration with errors. */
  Usage: 2,
  /** No agent answers on the socket. */
  Unreachable: 3,
  /** The peer, prefix or thing asked for does not exist. */
  NotFound: 4,
  /** Asked for a judgement, and it is bad (`health`, drills). */
  Unhealthy: 5,
  /** The agent left its routes in the kernel, to be started again at once. */
  Restart: 75,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  tried and failed
  2  wrong arguments, or a configuration with errors
  3  no agent answers on the socket
  4  what was asked for does not exist
  5  asked for a judgement, and it is bad (health)
  75  the agent left to be started again (SIGQUIT)`;

/** Ends the command with one sentence on stderr. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
