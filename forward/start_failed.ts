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
