/**
 * The flags about the guest: its namespace, device, addresses and name server. Rows of the table in flag_table.ts.
 *
 * @module
 */
import type { FlagRow } from "./flag_row.ts";

/** The MTU of a guest that the program makes itself: that of slirp4netns, and a multiple of 16. */
export const RUN_MTU = 65_520;

/** The flags by name, in the order of help. */
export const GUEST_FLAGS = {
  "netns": {
    kind: "path",
    value: "PATH",
    group: "Guest",
    everyday: true,
    only: "attach",
    complete: "netns",
    usage: "path to network namespace",
    help: [
      "The guest's network namespace: `/proc/`_PID_`/ns/net` of a process in it, or `/run/netns/`_NAME_ of one that " +
      "`ip netns` made. The default is the namespace in which the program is started.",
      "The program enters the namespace only to open the device; its own sockets stay outside. Entering needs root, or " +
      "the user who made the user namespace that the guest is in.",
    ],
  },
  "pid": {
    kind: "pid",
    value: "PID",
    group: "Guest",
    everyday: true,
    only: "attach",
    usage: "process in the network namespace: same as -netns /proc/PID/ns/net",
    help: ["A process of the guest: the same as `-netns /proc/`_PID_`/ns/net`."],
  },
  "configure": {
    kind: "boolean",
    group: "Guest",
    everyday: true,
    only: "attach",
    usage: "Make the interface if it is missing, and set its addresses, routes and MTU",
    help: [
      "Make the device, a tap, if it is missing, and set its addresses, default routes and MTU (65520 unless `-mtu` is " +
      "given). The loopback device is set up too.",
      "Refused if the guest's network namespace is the program's own, because the host would lose its default routes. " +
      "That is the case without `-netns` and `-pid`, and for a process that shares the host's namespace or has not made " +
      "its own yet.",
    ],
  },
  "make-tap": {
    kind: "boolean",
    group: "Guest",
    only: "attach",
    usage: "Make the interface, a tap, if it is missing; its addresses are left to the guest",
    help: [
      "Make the device, a tap, if it is missing, but configure nothing. The guest sets up its addresses itself, or by DHCP. " +
      "The device goes away when the program ends.",
    ],
  },
  "mac-address": {
    kind: "macAddress",
    value: "MAC",
    group: "Guest",
    usage: "MAC address to give to the interface, with -configure or run",
    help: [
      "The hardware address of the guest's device, such as `52:54:00:12:34:56`. With `-configure` or `run`. The default is " +
      "the address that the device has, which is random for a new one.",
    ],
  },
  "user-keep": {
    kind: "boolean",
    group: "Guest",
    only: "run",
    option: "keepUser",
    usage: "Run the command with the user's own ids, not as root of a user namespace",
    help: [
      "Run the command with the user's own ids and without privileges. By default the command is root in a user " +
      "namespace, and this root is the user everywhere else. When root runs the program, this has an effect only with " +
      "`-userns`.",
    ],
  },
  "userns": {
    kind: "boolean",
    group: "Guest",
    only: "run",
    option: "userNamespace",
    usage: "Make a user namespace also when run by root",
    help: [
      "Make a user namespace even when root runs the program, although root does not need one. The command then has no " +
      "privileges outside of it.",
    ],
  },
  "interface": {
    kind: "text",
    default: "tun0",
    value: "NAME",
    group: "Guest",
    complete: "interface",
    usage: "interface name within netns",
    help: [
      "The tun or tap device in the namespace. It must exist, unless `run`, `-configure` or `-make-tap` makes it. The type " +
      "and the MTU are detected.",
    ],
  },
  "cidr": {
    kind: "cidr",
    default: "10.0.2.0/24",
    value: "NETWORK",
    group: "Guest",
    option: "addresses",
    usage: "IPv4 network of the guest; the program has .2 and .3 of it, the guest .100",
    help: [
      "The guest's IPv4 network, for a host that has 10.0.2.0/24 itself. The prefix has 1 to 25 bits. Counted from the " +
      "network's address, the program is at 2, its name server at 3 and the guest at 100: 10.0.135.128/25 has them at " +
      "10.0.135.130, .131 and .228. Everything that this manual says of 10.0.2.2, 10.0.2.3, 10.0.2.100 and 10.0.2.0/24 " +
      "is then true of these.",
    ],
  },
  "fd": {
    kind: "descriptor",
    value: "NUMBER",
    group: "Guest",
    everyday: true,
    only: "attach",
    usage: "Unix socket file descriptor that carries frames, inherited from the parent; or that of a tap",
    help: [
      "Use an inherited Unix socket, with this file descriptor, instead of a device. Each message of a datagram or " +
      "sequenced packet socket is an Ethernet frame. On a stream socket, the frame's length comes before each frame, in " +
      "4 bytes, the most significant first. The other end is a virtual machine monitor such as QEMU. Not together with " +
      "`-netns`.",
      "The file descriptor may also be that of a tun or tap device that its maker has attached (`TUNSETIFF`, with " +
      "`IFF_NO_PI`). The device can be in a namespace that the program could not enter.",
    ],
  },
  "bess": {
    kind: "path",
    value: "PATH",
    group: "Guest",
    only: "attach",
    usage: "path of a Unix socket on which to wait for the guest: User-mode Linux's bess transport",
    help: [
      "Listen on a Unix socket of type `SOCK_SEQPACKET`, and serve the first client. Each message is an Ethernet frame. This " +
      "is the `bess` transport of User-mode Linux (`vec0:transport=bess,dst=`_PATH_). The program is ready when the client " +
      "has connected. Not together with `-netns`, `-pid`, `-fd`, `-configure` or `-make-tap`.",
    ],
  },
  "mtu": {
    kind: "mtu",
    default: 0,
    runDefault: RUN_MTU,
    value: "BYTES",
    group: "Guest",
    usage: `MTU; 0: that of the interface, 1500 for -fd and -bess, ${RUN_MTU} for run`,
    help: [
      `The largest IP packet, from 68 to 65535 bytes. \`0\` is the MTU of the device, 1500 with \`-fd\` and \`-bess\`, and ${RUN_MTU} ` +
      "with `run`. A small MTU costs little speed: the kernel exchanges large TCP segments with the program anyway.",
    ],
  },
  "offload": {
    kind: "boolean",
    default: true,
    group: "Guest",
    usage: "Exchange large segments and unfinished checksums with the guest's kernel",
    help: [
      "Exchange segments of up to 64 KiB, without checksums, with the guest's kernel: no wire lies between them. With " +
      "`-offload=false` each frame is as on a wire: not longer than the MTU, and with its checksum. That is for a capture " +
      "(`-pcap`) or a measurement, and costs most of the speed. Frames of `-fd` are always like that.",
    ],
  },
  "dns": {
    kind: "boolean",
    runDefault: true,
    group: "Guest",
    everyday: true,
    usage: "Pass DNS queries to 10.0.2.3 and fd00::3 on to the name servers of the host",
    help: [
      "Be the guest's name server, at `10.0.2.3` and `fd00::3`, over UDP and TCP. Questions are passed on to the name " +
      "servers of the host's `/etc/resolv.conf`, wherever they are. The policy still decides which of the addresses in " +
      "the answers the guest may reach.",
      "It is on by default with `run`. With `run -disable-routing`, it asks no server, because a question can carry a " +
      "message out: it answers for the names in `-allow`, with the addresses that they had at the start, and refuses all " +
      "others. With `-dns` on the command line it asks for all names.",
    ],
  },
  // on by default: it only answers clients that ask
  "dhcp": {
    kind: "boolean",
    default: true,
    group: "Guest",
    usage: "Answer DHCP clients: the guest's address, router, name servers, search domains and MTU",
    help: [
      "Answer the guest's DHCP clients: the address 10.0.2.100, the router, the MTU and, over IPv4 and IPv6, the name " +
      "servers and the search domains of the host's `/etc/resolv.conf`. With `-dns` the name server is the program; without " +
      "it, the name servers are those of the host that the guest may reach. `-dhcp=false` is for a guest with a DHCP server " +
      "of its own.",
    ],
  },
  // off by default: kernels ask for it by themselves, and would add an address to the one that the guest has
  "slaac": {
    kind: "boolean",
    group: "Guest",
    usage: "Announce fd00::/64 to the guest, which then makes an address from it",
    help: [
      "Announce the prefix fd00::/64, from which the guest's kernel makes itself an address. Virtual machines expect it. " +
      "It is not the default, because a guest that already has fd00::100 would add a second address and prefer it.",
    ],
  },
} as const satisfies Readonly<Record<string, FlagRow>>;
