/**
 * Requests of ioctl(2), which takes them as an unsigned long, from the kernel's headers; the same on x86-64 and arm64.
 *
 * @module
 */

// asm-generic/ioctls.h: terminals, descriptors
/** Reads a terminal's settings; only a terminal answers. */
export const TCGETS = 0x5401n;
/** Reads, and sets, the process group in a terminal's foreground. */
export const TIOCGPGRP = 0x540fn;
export const TIOCSPGRP = 0x5410n;
/** Reads the number of bytes that have not been sent yet; SIOCOUTQ for a socket. */
export const TIOCOUTQ = 0x5411n;
/** Reads a terminal's width and height. */
export const TIOCGWINSZ = 0x5413n;
/** Reads the number of bytes that can be read. */
export const FIONREAD = 0x541bn;
/** Sets or clears O_NONBLOCK. */
export const FIONBIO = 0x5421n;
/** Clears, and sets, FD_CLOEXEC. */
export const FIONCLEX = 0x5450n;
export const FIOCLEX = 0x5451n;

// linux/sockios.h
export const SIOCGIFFLAGS = 0x8913n;
export const SIOCGIFADDR = 0x8915n;
export const SIOCGIFNETMASK = 0x891bn;
/** Opens the network namespace that a socket, or a tun device, belongs to. */
export const SIOCGSKNS = 0x894cn;
export const SIOCGIFINDEX = 0x8933n;
export const SIOCGIFMTU = 0x8921n;
export const SIOCGIFHWADDR = 0x8927n;

// linux/if_tun.h
export const TUNSETIFF = 0x4004_54can;
export const TUNGETIFF = 0x8004_54d2n;
export const TUNSETOFFLOAD = 0x4004_54d0n;
export const TUNSETVNETHDRSZ = 0x4004_54d8n;
export const TUNSETVNETLE = 0x4004_54dcn;

/** linux/nsfs.h: opens the user namespace that owns a namespace. */
export const NS_GET_USERNS = 0xb701n;
