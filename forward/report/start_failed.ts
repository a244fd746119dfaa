/**
 * The error of a start that can't go on.
 *
 * @module
 */

/** The message is the line that says why, the status what the process is to end with. */
export class StartFailed extends Error {
  override name = "StartFailed";

  constructor(readonly status: number, line: string, options?: ErrorOptions) {
    super(line, options);
  }
}

/** What `work` returns; what it throws becomes a {@linkcode StartFailed}, whose line `line` makes of the reason. */
export function attempt<T>(status: number, line: (reason: string) => string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StartFailed) throw error;
    throw new StartFailed(status, line(messageOf(error)), { cause: error });
  }
}

/** What an error says; what else was thrown, as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
