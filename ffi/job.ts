/**
 * A command in the foreground, as if the program were not there: the command has the terminal and its signals, and the
 * program follows it.
 *
 * Both are in the process group that the shell has made for them, along with whatever else is in the pipeline. So what is
 * typed (Ctrl-C, Ctrl-\, Ctrl-Z) reaches both from the kernel, and so does the shell's SIGCONT:
 *
 * | signal | what the program does |
 * | --- | --- |
 * | SIGINT, SIGQUIT, by the terminal | nothing: the command has it, and it is the command's affair |
 * | SIGINT, SIGQUIT, otherwise | hands it on |
 * | SIGTERM, SIGHUP, SIGUSR1 | hands it on; SIGTERM as SIGHUP to a shell, as those don't listen to the former |
 * | SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT | stops and goes on, as everybody does, and so the network does |
 * | SIGCHLD | looks what became of the command |
 *
 * A command that stops by itself (a shell's `suspend`) has left the process group, as shells do; then the program stops
 * the group for it, so that the shell outside gets the terminal. If nobody would ever continue the group, the kernel
 * doesn't stop it (POSIX: orphaned process groups), and the command goes on.
 *
 * A shell that has made process groups of its own leaves the terminal to one that is gone; it is taken back in the end.
 *
 * @module
 */
import type { ChildState } from "./child.ts";
import { ESRCH } from "./errors.ts";
import { cString, errno, libc } from "./libc.ts";
import { SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTOU, SIGUSR1 } from "./process.ts";

// asm-generic/fcntl.h
const O_RDWR_NOCTTY_CLOEXEC = 0o2 | 0o400 | 0o2000000;
const SIG_DFL = 0n;
const SIG_IGN = 1n;

/** What is followed. */
export interface Followed {
  /** What became of it since the last call. */
  state(): ChildState;
  /** Sends it a signal, if it is still there. */
  signal(signal: number): void;
}

/** The foreground of the terminal, as it is before a command starts. */
export class Foreground {
  private readonly terminal: number;
  private readonly ours: boolean;

  constructor() {
    this.terminal = libc().open(cString("/dev/tty"), O_RDWR_NOCTTY_CLOEXEC, 0);
    this.ours = this.hasGroup;
  }

  /** Whether what is typed reaches this program's process group, now. */
  get hasGroup(): boolean {
    return this.terminal >= 0 && libc().tcgetpgrp(this.terminal) === libc().getpgrp();
  }

  /** Gives the terminal back to this process group if it had it, and who has it now is gone. */
  restore(): void {
    const c = libc();
    if (!this.ours || this.hasGroup) return;
    const group = c.tcgetpgrp(this.terminal);
    if (group > 0 && (c.kill(-group, 0) === 0 || errno() !== ESRCH)) return;
    c.signal(SIGTTOU, SIG_IGN); // or the call would stop this process, which is not in the foreground
    c.tcsetpgrp(this.terminal, c.getpgrp());
    c.signal(SIGTTOU, SIG_DFL);
  }
}

/**
 * Hands signals on to the command from now on, and resolves with its status when it has ended.
 *
 * @param shell the command is an interactive shell
 */
export function follow(command: Followed, foreground: Foreground, shell: boolean): Promise<number> {
  for (const [name, signal] of [["SIGINT", SIGINT], ["SIGQUIT", SIGQUIT]] as const) {
    Deno.addSignalListener(name, () => {
      if (!foreground.hasGroup) command.signal(signal);
    });
  }
  Deno.addSignalListener("SIGTERM", () => command.signal(shell ? SIGHUP : SIGTERM));
  Deno.addSignalListener("SIGHUP", () => command.signal(SIGHUP));
  Deno.addSignalListener("SIGUSR1", () => command.signal(SIGUSR1));
  return new Promise((resolve) => {
    const look = () => {
      const state = command.state();
      if (state.kind === "ended") {
        Deno.removeSignalListener("SIGCHLD", look);
        resolve(state.status);
      } else if (state.kind === "stopped") {
        libc().kill(0, SIGTSTP);
        command.signal(SIGCONT);
      }
    };
    Deno.addSignalListener("SIGCHLD", look);
    look(); // it may have ended before
  });
}
