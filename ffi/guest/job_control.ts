/**
 * Runs a command in the foreground as if it had been started without the program: the command gets the terminal and its
 * signals, and the program stops and ends as the command does.
 *
 * If stdin and stdout are the terminal, the program lends it to the command: the command leads a process group of its
 * own, which becomes the terminal's foreground group. (A shell in a pid namespace needs that. The program's own group
 * has no number in that namespace, so the shell could not give the terminal back to it.) Otherwise the program is part
 * of a pipeline, whose members share the terminal by sharing the process group, and the command joins that group.
 *
 * | event | terminal lent | terminal shared |
 * | --- | --- | --- |
 * | Ctrl-C, Ctrl-\ | the command gets the signal | both get it, and the program leaves the reaction to the command |
 * | the command dies of SIGINT | the program sends SIGINT to its own group, so that a script ends | all have had it |
 * | Ctrl-Z | the command stops; then the program stops its own group | all stop |
 * | `fg` | the program lends the terminal again, and the command goes on | all go on |
 * | SIGINT, SIGQUIT, not from the terminal | passed on | passed on |
 * | SIGTERM, SIGHUP, SIGUSR1 | passed on | passed on |
 *
 * An interactive shell ignores SIGTERM, so it gets SIGHUP instead. If nobody could ever continue the program's group,
 * the kernel doesn't stop it (POSIX: orphaned process groups), and the command goes on.
 *
 * @module
 */
import type { ChildState } from "../process/child.ts";
import { ESRCH } from "../libc/errors.ts";
import { cString, errno, libc } from "../libc/libc.ts";
import { O_CLOEXEC, O_NOCTTY, O_RDWR } from "../libc/constants/file.ts";
import {
  SIG_DFL,
  SIG_IGN,
  SIGCONT,
  SIGHUP,
  SIGINT,
  SIGQUIT,
  SIGTERM,
  SIGTSTP,
  SIGTTOU,
  SIGUSR1,
} from "../libc/constants/process.ts";

/** The command in the foreground. */
export interface Followed {
  /** Its process id, which is also its process group's if the terminal is lent to it. */
  readonly pid: number;
  /** Its state. A stop is reported once. */
  state(): ChildState;
  /** Sends it a signal, if it still runs. */
  signal(signal: number): void;
  /** Sends its process group a signal. It must be the group's leader. */
  signalGroup(signal: number): void;
}

/** The terminal that controls this process, if there is one. */
export class Terminal {
  /** Whether the terminal is lent to a command, which therefore gets a process group of its own. */
  readonly isLent: boolean;
  private readonly fd: number;
  private readonly wasOurs: boolean;

  constructor() {
    const c = libc();
    this.fd = c.open(cString("/dev/tty"), O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    this.wasOurs = this.foreground() === c.getpgrp();
    this.isLent = this.wasOurs && [0, 1].every((fd) => c.tcgetpgrp(fd) === c.getpgrp());
  }

  /** Whether keys typed at the terminal reach the program's process group or the given one. */
  reaches(group: number): boolean {
    const foreground = this.foreground();
    return foreground > 0 && (foreground === libc().getpgrp() || foreground === group);
  }

  /**
   * Makes a process group the foreground, if the program's group is the foreground. Continues the group in any case.
   */
  lend(group: number): void {
    const c = libc();
    if (this.foreground() === c.getpgrp()) c.tcsetpgrp(this.fd, group);
    c.kill(-group, SIGCONT); // it may have been stopped because it was in the background
  }

  /** Makes the program's process group the foreground again if it was at the start, and the present group has ended. */
  takeBack(): void {
    const c = libc();
    const group = this.foreground();
    if (!this.wasOurs || group === c.getpgrp()) return;
    if (group > 0 && (c.kill(-group, 0) === 0 || errno() !== ESRCH)) return;
    c.signal(SIGTTOU, SIG_IGN); // otherwise the call would stop this process, which is not in the foreground
    c.tcsetpgrp(this.fd, c.getpgrp());
    c.signal(SIGTTOU, SIG_DFL);
  }

  /** The foreground process group; -1: there is no terminal. */
  private foreground(): number {
    return this.fd < 0 ? -1 : libc().tcgetpgrp(this.fd);
  }
}

/**
 * Passes signals on to the command. Called before the command starts, so that none is lost.
 *
 * @param shell the command is an interactive shell
 * @param hangup SIGHUP is passed on; otherwise it has another meaning for the program
 */
export function passSignalsOn(
  command: Followed,
  terminal: Terminal,
  { shell, hangup }: { readonly shell: boolean; readonly hangup: boolean },
): void {
  for (const [name, signal] of [["SIGINT", SIGINT], ["SIGQUIT", SIGQUIT]] as const) {
    Deno.addSignalListener(name, () => {
      if (terminal.isLent) command.signalGroup(signal); // typed just before the terminal was lent, for instance
      else if (!terminal.reaches(command.pid)) command.signal(signal);
    });
  }
  Deno.addSignalListener("SIGTERM", () => command.signal(shell ? SIGHUP : SIGTERM));
  if (hangup) Deno.addSignalListener("SIGHUP", () => command.signal(SIGHUP));
  Deno.addSignalListener("SIGUSR1", () => command.signal(SIGUSR1));
}

/** Stops and continues with the running command, and resolves with its status when it has ended. */
export function follow(command: Followed, terminal: Terminal): Promise<number> {
  return new Promise((resolve) => {
    const look = () => {
      const state = command.state();
      if (state.kind === "ended") {
        Deno.removeSignalListener("SIGCHLD", look);
        if (terminal.isLent && state.signal === SIGINT) libc().kill(0, SIGINT);
        resolve(state.status);
      } else if (state.kind === "stopped") {
        libc().kill(0, SIGTSTP);
        if (terminal.isLent) terminal.lend(command.pid);
        else command.signal(SIGCONT);
      }
    };
    Deno.addSignalListener("SIGCHLD", look);
    look(); // the command may have ended already
  });
}
