/**
 * Failed system calls: the numbers, names and texts of errno, and the error class that has them.
 *
 * @module
 */
import { errno, libc } from "./libc.ts";

// The numbers that this program handles: asm-generic/errno-base.h and asm-generic/errno.h.
/** Operation not permitted. */
export const EPERM = 1;
/** No such file or directory. */
export const ENOENT = 2;
/** No such process. */
export const ESRCH = 3;
/** Interrupted system call. */
export const EINTR = 4;
/** Input/output error. */
export const EIO = 5;
/** No such device or address. */
export const ENXIO = 6;
/** Bad file descriptor. */
export const EBADF = 9;
/** No child processes. */
export const ECHILD = 10;
/** Resource temporarily unavailable: the call would block. */
export const EAGAIN = 11;
/** Cannot allocate memory. */
export const ENOMEM = 12;
/** Permission denied. */
export const EACCES = 13;
/** Bad address. */
export const EFAULT = 14;
/** Device or resource busy. */
export const EBUSY = 16;
/** No such device. */
export const ENODEV = 19;
/** Not a directory. */
export const ENOTDIR = 20;
/** Invalid argument. */
export const EINVAL = 22;
/** File table overflow: the system's descriptors are used up. */
export const ENFILE = 23;
/** Too many open files: the process's descriptors are used up. */
export const EMFILE = 24;
/** No space left on device: for a namespace, the limit of their number. */
export const ENOSPC = 28;
/** Broken pipe: this direction was shut down. */
export const EPIPE = 32;
/** File name too long. */
export const ENAMETOOLONG = 36;
/** Function not implemented: the kernel is too old, or forbids it. */
export const ENOSYS = 38;
/** File descriptor in bad state: a tun descriptor whose interface was deleted. */
export const EBADFD = 77;
/** Message too long. */
export const EMSGSIZE = 90;
/** Operation not supported. */
export const EOPNOTSUPP = 95;
/** Address family not supported. */
export const EAFNOSUPPORT = 97;
/** Address already in use; for a Unix socket, its file exists. */
export const EADDRINUSE = 98;
/** Network is unreachable. */
export const ENETUNREACH = 101;
/** Connection reset by peer. */
export const ECONNRESET = 104;
/** No buffer space available. */
export const ENOBUFS = 105;
/** Transport endpoint is not connected. */
export const ENOTCONN = 107;
/** Connection refused. */
export const ECONNREFUSED = 111;
/** No route to host. */
export const EHOSTUNREACH = 113;
/** Operation now in progress. */
export const EINPROGRESS = 115;

/** asm-generic/errno-base.h and asm-generic/errno.h: the names of 1, 2, 3, ...; `-` for an unused number. */
const NAMES: readonly string[] = `EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES
  EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS
  EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT
  EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR
  ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG
  ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
  ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
  ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED
  EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM
  EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON`
  .split(/\s+/);

/** The name of an errno, such as `EINVAL`; `E` and the number if the kernel's headers have none. */
export function errnoName(number: number): string {
  const name = NAMES[number - 1];
  return name === undefined || name === "-" ? `E${number}` : name;
}

/** The text of strerror(3) for an errno, such as `Invalid argument`. */
export function errnoText(number: number): string {
  const text = libc().strerror(number);
  return text === null ? `error ${number}` : Deno.UnsafePointerView.getCString(text);
}

/**
 * A system call failed.
 *
 * @example
 * ```ts
 * new SystemError("ioctl(TUNSETIFF)", 1, "tun0").message;
 * // "ioctl(TUNSETIFF) on tun0: Operation not permitted (EPERM)"
 * ```
 */
export class SystemError extends Error {
  override name = "SystemError";
  /** The name of the errno, such as `EINVAL`. */
  readonly code: string;

  /**
   * @param syscall the call, with its request if it has several: `ioctl(TUNSETIFF)`
   * @param errno the kernel's number for the reason
   * @param subject the object of the call, such as a path or an interface; empty: none worth naming
   * @param advice the likely cause, or what a person can do about it; it ends the message
   */
  constructor(readonly syscall: string, readonly errno: number, readonly subject: string, readonly advice = "") {
    const code = errnoName(errno);
    const on = subject === "" ? "" : ` on ${subject}`;
    super(`${syscall}${on}: ${errnoText(errno)} (${code})${advice === "" ? "" : `: ${advice}`}`);
    this.code = code;
  }
}

/** Returns `result`. If it is negative, throws a {@linkcode SystemError} with the present errno. */
export function check(result: number, syscall: string, subject: string): number {
  if (result < 0) throw new SystemError(syscall, errno(), subject);
  return result;
}
