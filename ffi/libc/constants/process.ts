/**
 * Numbers of the calls about processes, signals, limits, namespaces and capabilities, from the kernel's headers; the same
 * on x86-64 and arm64.
 *
 * @module
 */

// asm-generic/signal.h
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGTSTP = 20;
export const SIGTTOU = 22;
export const SIGWINCH = 28;

// asm-generic/signal-defs.h: values for signal(2) instead of a handler's address
export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

// linux/wait.h
export const WNOHANG = 1;
export const WUNTRACED = 2;

// linux/prctl.h
export const PR_SET_PDEATHSIG = 1;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const PR_SET_TIMERSLACK = 29;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;
export const PR_SET_VMA = 0x5356_4d41;

// bits/resource.h
export const RLIMIT_NOFILE = 7;

// linux/sched.h
export const CLONE_VM = 0x0000_0100;
export const CLONE_FILES = 0x0000_0400;
export const CLONE_VFORK = 0x0000_4000;
export const CLONE_THREAD = 0x0001_0000;
export const CLONE_NEWNS = 0x0002_0000;
export const CLONE_NEWCGROUP = 0x0200_0000;
export const CLONE_NEWUTS = 0x0400_0000;
export const CLONE_NEWIPC = 0x0800_0000;
export const CLONE_NEWUSER = 0x1000_0000;
export const CLONE_NEWPID = 0x2000_0000;
export const CLONE_NEWNET = 0x4000_0000;

// linux/capability.h
export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_ADMIN = 12;
export const CAP_NET_RAW = 13;
export const CAP_SYS_ADMIN = 21;
