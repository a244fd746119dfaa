/**
 * The life of the process, from its first line of code to its exit status.
 *
 *     starting   an error is thrown, or a promise rejected   → a line, the cleanups, status 1
 *     serving    the same                                    → a line; the error concerns one connection, the others go on
 *     any        {@linkcode Life.end}                        → the cleanups, the status as given
 *
 * @module
 */
import { ExitStatus } from "../report/contract_lines.ts";
import type { Output } from "../report/output.ts";
import { messageOf, StartFailed } from "../report/start_failed.ts";

/** The parts of the process that a {@linkcode Life} uses. */
export interface LifeOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Ends the process: `Deno.exit`. */
  readonly exit: (status: number) => never;
}

/** Runs the process, reports what fails, and ends the process with a status. */
export class Life {
  /** Functions to call at the end, the last first. */
  readonly cleanups: (() => void)[] = [];
  private serving = false;

  constructor(private readonly options: LifeOptions) {}

  /** Ends the process. */
  end(status: number): never {
    const { stdout, stderr } = this.options;
    for (const undo of this.cleanups.splice(0).reverse()) {
      try {
        undo();
      } catch (error) {
        stderr.line(`[!] Internal error: ${messageOf(error)}`); // the other cleanups are called all the same
      }
    }
    for (const output of [stdout, stderr]) output.flush();
    return this.options.exit(status);
  }

  /** Does the work of the whole process. If it fails, the process ends. */
  async live(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The start is over: from now on, an error ends one connection, not the program. */
  started(): void {
    this.serving = true;
  }

  /** From now on, handles unhandled rejections and exceptions thrown into the event loop. */
  takeStrays(scope: Pick<typeof globalThis, "addEventListener">): void {
    scope.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.stray(event.reason);
    });
    scope.addEventListener("error", (event) => {
      event.preventDefault();
      this.stray(event.error ?? event.message);
    });
  }

  /** Handles an unhandled rejection or exception. */
  stray(reason: unknown): void {
    if (!this.serving) this.fail(reason);
    this.tell(reason);
  }

  private fail(reason: unknown): never {
    if (reason instanceof StartFailed) this.options.stderr.line(reason.message);
    else this.tell(reason);
    this.end(reason instanceof StartFailed ? reason.status : ExitStatus.FAILURE);
  }

  /** Prints an error that is a fault of the program, or of a system without resources. */
  private tell(reason: unknown): void {
    const text = reason instanceof Error ? reason.stack ?? reason.message : String(reason);
    this.options.stderr.line(`[!] Internal error: ${text}`);
  }
}
