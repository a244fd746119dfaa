/**
 * Numbers of open(2), fcntl(2), mount(2) and inotify(7), from the kernel's headers; the same on x86-64 and arm64.
 *
 * @module
 */

// asm-generic/fcntl.h
export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_ACCMODE = 0o3;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
/** The bit of O_TMPFILE that is not O_DIRECTORY. */
export const __O_TMPFILE = 0o20000000;

// asm-generic/fcntl.h, linux/fcntl.h
export const F_DUPFD = 0;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_GETLK = 5;
export const F_SETLK = 6;
export const F_SETLKW = 7;
export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_OFD_SETLKW = 38;
export const F_DUPFD_CLOEXEC = 1030;
export const F_SETPIPE_SZ = 1031;
export const F_GETPIPE_SZ = 1032;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;
export const FD_CLOEXEC = 1;

// linux/mount.h; mount(2) takes them as an unsigned long
export const MS_RDONLY = 1n;
export const MS_NOSUID_NODEV = 2n | 4n;
export const MS_NOEXEC = 8n;
export const MS_REMOUNT = 32n;
export const MS_BIND = 4096n;
export const MS_REC = 16384n;
export const MS_SLAVE = 1n << 19n;
export const MNT_DETACH = 2;

// linux/inotify.h
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_ONLYDIR = 0x0100_0000;
