/**
 * Numbers of the socket calls, from the kernel's headers; the same on x86-64 and arm64.
 *
 * @module
 */

// bits/socket.h
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOL_SOCKET = 1;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;
export const SCM_RIGHTS = 1;

// bits/socket_type.h
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
/** The flags of every socket that talks to the network. */
export const SOCK_NONBLOCK_CLOEXEC: number = SOCK_NONBLOCK | SOCK_CLOEXEC;

// sys/socket.h
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

// asm-generic/socket.h
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_LINGER = 13;
export const SO_BINDTODEVICE = 25;
/** As SO_RCVBUF, but not limited by net.core.rmem_max. Needs CAP_NET_ADMIN. */
export const SO_RCVBUFFORCE = 33;
export const SO_DOMAIN = 39;
export const SO_BINDTOIFINDEX = 62;

// linux/in.h, linux/in6.h, linux/icmp.h, linux/icmpv6.h
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const SOL_RAW = 255;
export const IP_TTL = 2;
export const IP_PKTINFO = 8;
export const IP_MTU_DISCOVER = 10;
/** Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER: a datagram that is too large is fragmented, or not sent. */
export const PMTUDISC_WANT = 1;
export const PMTUDISC_DO = 2;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
/** Reads the path MTU of a connected socket. */
export const IP_MTU = 14;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MTU_DISCOVER = 23;
/** As IP_MTU, for IPv6. */
export const IPV6_MTU = 24;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;
export const IPV6_AUTOFLOWLABEL = 70;
export const IPV6_ADDR_PREFERENCES = 72;
export const IPV6_MINHOPCOUNT = 73;
export const IPV6_UNICAST_IF = 76;
export const ICMP_FILTER = 1;
export const ICMPV6_FILTER = 1;

// linux/tcp.h
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;

// linux/udp.h
export const UDP_SEGMENT = 103;

// linux/errqueue.h: the host itself found the error; it came by ICMP; it came by ICMPv6
export const SO_EE_ORIGIN_LOCAL = 1;
export const SO_EE_ORIGIN_ICMP = 2;
export const SO_EE_ORIGIN_ICMP6 = 3;
