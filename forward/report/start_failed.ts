/**
 * The error that ends the start of the program.
 *
 * @module
 */

/** Ends the start: its message is printed as a line on stderr, and the process exits with its status. */
export class StartFailed extends Error {
  override name = "StartFailed";

  constructor(readonly status: number, line: string, options?: ErrorOptions) {
    super(line, options);
  }
}

/** Returns what `work` returns. An error becomes a {@linkcode StartFailed}; `line` makes its line of the error's message. */
export function attempt<T>(status: number, line: (reason: string) => string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StartFailed) throw error;
    throw new StartFailed(status, line(messageOf(error)), { cause: error });
  }
}

/** {@linkcode attempt} for work that takes time. */
export async function attemptLater<T>(
  status: number,
  line: (reason: string) => string,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return attempt(status, line, () => {
      throw error;
    });
  }
}

/** Returns an error's message, or any other thrown value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
