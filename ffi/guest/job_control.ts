/**
 * A command in the foreground, as if the program were not there: the command has the terminal and its signals, and the
 * program follows it.
 *
 * Where stdin and stdout are the terminal, the command is lent it: as the leader of a process group of its own, which is
 * the terminal's foreground. (A shell in a namespace of processes needs that: the group that the program is in has no
 * number there, and so it can't be given the terminal back.) Otherwise the program is part of a pipeline, whose members
 * share the terminal by sharing the process group, and the command is one of them.
 *
 * | what happens | lent | shared |
 * | --- | --- | --- |
 * | Ctrl-C, Ctrl-\ | the command has it | both have it; it is the command's affair |
 * | the command dies of SIGINT | the program's group gets it, too: a script ends | they have it already |
 * | Ctrl-Z | the command stops; then the program stops its own group | all stop |
 * | `fg` | the command is lent the terminal again, and goes on | all go on |
 * | SIGINT, SIGQUIT, not from the terminal | handed on | handed on |
 * | SIGTERM, SIGHUP, SIGUSR1 | handed on | handed on |
 *
 * SIGTERM is handed on as SIGHUP to a shell of the user's, as those don't listen to the former. If nobody would ever
 * continue the program's group, the kernel doesn't stop it (POSIX: orphaned process groups), and the command goes on.
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

/** The command that is followed. */
export interface Followed {
  /** The process id, and that of its group where the terminal is lent to it. */
  readonly pid: number;
  /** Its state, with a stop reported once. */
  state(): ChildState;
  /** Sends it a signal, if it is still there. */
  signal(signal: number): void;
  /** Sends its process group a signal, where that is its own. */
  signalGroup(signal: number): void;
}

/** The terminal that controls this process, if there is one. */
export class Terminal {
  /** Whether a command is lent the terminal, and gets a process group of its own for that. */
  readonly isLent: boolean;
  private readonly fd: number;
  private readonly wasOurs: boolean;

  constructor() {
    const c = libc();
    this.fd = c.open(cString("/dev/tty"), O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    this.wasOurs = this.foreground() === c.getpgrp();
    this.isLent = this.wasOurs && [0, 1].every((fd) => c.tcgetpgrp(fd) === c.getpgrp());
  }

  /** Whether what is typed reaches the program's process group, or another. */
  reaches(group: number): boolean {
    const foreground = this.foreground();
    return foreground > 0 && (foreground === libc().getpgrp() || foreground === group);
  }

  /** Makes a process group the foreground, if the program's is; and in any case has the group go on. */
  lend(group: number): void {
    const c = libc();
    if (this.foreground() === c.getpgrp()) c.tcsetpgrp(this.fd, group);
    c.kill(-group, SIGCONT); // it may have been stopped for having been in the background
  }

  /** Makes the program's process group the foreground if it was, and who is it now is gone. */
  takeBack(): void {
    const c = libc();
    const group = this.foreground();
    if (!this.wasOurs || group === c.getpgrp()) return;
    if (group > 0 && (c.kill(-group, 0) === 0 || errno() !== ESRCH)) return;
    c.signal(SIGTTOU, SIG_IGN); // or the call would stop this process, which is not in the foreground
    c.tcsetpgrp(this.fd, c.getpgrp());
    c.signal(SIGTTOU, SIG_DFL);
  }

  /** The process group that is the foreground; -1: there is no terminal. */
  private foreground(): number {
    return this.fd < 0 ? -1 : libc().tcgetpgrp(this.fd);
  }
}

/**
 * Hands signals on to the command. To be called before that starts: then none is lost.
 *
 * @param shell the command is an interactive shell
 */
export function handSignalsOn(command: Followed, terminal: Terminal, shell: boolean): void {
  for (const [name, signal] of [["SIGINT", SIGINT], ["SIGQUIT", SIGQUIT]] as const) {
    Deno.addSignalListener(name, () => {
      if (terminal.isLent) command.signalGroup(signal); // as typed: a moment too early, when it was not lent yet
      else if (!terminal.reaches(command.pid)) command.signal(signal);
    });
  }
  Deno.addSignalListener("SIGTERM", () => command.signal(shell ? SIGHUP : SIGTERM));
  Deno.addSignalListener("SIGHUP", () => command.signal(SIGHUP));
  Deno.addSignalListener("SIGUSR1", () => command.signal(SIGUSR1));
}

/** Follows the command, which has started, and resolves with its status when it has ended. */
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
    look(); // it may have ended before
  });
}
