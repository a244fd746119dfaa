/**
 * Every flag of the program, one row each. The parser, `-h`, help, the manual page, the shells' completions and the
 * README's table are all made from these rows. A new flag is a new row here and the code that uses its option; options.ts
 * derives the option's name and type from the row. The limits have rows of their own, in limits.ts.
 *
 * Flags of the Go program keep its usage texts.
 *
 * Every start loads this module, even one that only prints the usage, so it holds data only.
 *
 * @module
 */
import { limitFlag, type LimitRow, LIMITS } from "../../limits/limits.ts";
import type { CommandName, FlagRow } from "./flag_row.ts";

/** The MTU of a guest that the program makes itself: that of slirp4netns, and a multiple of 16. */
export const RUN_MTU = 65_520;

/** The flags by name, without those of the limits, in the order of help. */
export const FLAGS = {
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
  "enable-routing": {
    kind: "boolean",
    default: true,
    group: "Policy",
    everyday: true,
    usage: "Allow guest to connect to IPs that the host has only a default route to",
    help: ["The guest may reach addresses that the host has only a default route to: the internet."],
  },
  "enable-host": {
    kind: "boolean",
    group: "Policy",
    everyday: true,
    usage: "Allow guest to connect to IPs in the host's main and local routing tables",
    help: [
      "The guest may reach the host's own addresses and networks: the host's `local` routing table, and every route that " +
      "is not a default route.",
      "Routes that together replace a default route, as VPNs set them, count as default routes too: 0.0.0.0/1 and " +
      "128.0.0.0/1, 2000::/3, and any other IPv4 route shorter than /8 or IPv6 route shorter than /7.",
    ],
  },
  "disable-routing": {
    kind: "boolean",
    group: "Policy",
    usage: "Same as -enable-routing=false",
    help: ["The older spelling of `-enable-routing=false`. It overrides `-enable-routing`."],
  },
  "disable-host-networks": {
    kind: "boolean",
    group: "Policy",
    usage: "Same as -enable-host=false",
    help: ["The older spelling of `-enable-host=false`. It overrides `-enable-host`."],
  },
  "allow": {
    kind: "allowedRange",
    value: "RANGE",
    group: "Policy",
    everyday: true,
    usage: "When routing, allow specified IP prefix and port range",
    help: ["Let the guest reach a range despite the flags above. _RANGE_ may be several, separated by commas."],
  },
  "deny": {
    kind: "deniedRange",
    value: "RANGE",
    group: "Policy",
    everyday: true,
    usage: "When routing, deny specified IP prefix and port range",
    help: ["Keep the guest from a range, whatever else is allowed. _RANGE_ may be several, separated by commas."],
  },
  "only": {
    kind: "nameRule",
    value: "RULE",
    group: "Policy",
    everyday: true,
    usage: "Allow guest to reach this name, address or preset, and nothing without such a rule",
    help: [
      "The guest may reach what this rule says, and nothing without such a rule. _RULE_ is a name such as " +
      "`api.example.com`, an address, or a preset such as `@npm`; several are separated by commas. `!`_RULE_ denies, and " +
      "wins over rules that allow. `slirpnetstack help egress` has the grammar.",
      "Turns `-enable-routing` off and `-dns` on, and leaves pings to the program, which answers them itself. All DNS " +
      "questions of the guest, to whatever server, end at the program, and names without a rule are refused there.",
    ],
  },
  "policy": {
    kind: "path",
    value: "FILE",
    group: "Policy",
    usage: "file with rules, as of -only; read again on SIGHUP",
    help: [
      "Rules from a file, as if each were given by `-only`; both may be given. The file is JSON with comments. " +
      "If it can't be read, or has a fault, the program doesn't start. On SIGHUP it is read again: its rules replace the " +
      "old ones at once, and connections that they refuse are reset. If the file has a fault then, the old rules stay.",
    ],
  },
  "icmp": {
    kind: "choice",
    choices: ["local", "auto", "off"],
    default: "local",
    runDefault: "auto",
    value: "MODE",
    group: "Policy",
    usage: "How pings are answered: local, by the program; auto, by the destination; off, not at all",
    help: [
      "How the guest's pings are answered. `local`: the program answers for every address, so a ping says nothing about the " +
      "host that it names. `auto`: the destination answers, if the guest may reach it; its answer or error comes back. " +
      'Otherwise the answer is "administratively prohibited"; the program\'s own addresses always answer. `off`: not at all.',
    ],
  },
  "host-loopback": {
    kind: "boolean",
    group: "Policy",
    everyday: true,
    usage: "Let the guest reach the host's 127.0.0.1 at 10.0.2.2, and ::1 at fd00::2",
    help: [
      "The guest reaches the host's loopback, 127.0.0.1 and ::1, at `10.0.2.2` and `fd00::2`. That holds for every TCP " +
      "and UDP port that no remote forward has. `-deny` can make exceptions.",
    ],
  },
  "L": {
    kind: "localForward",
    option: "localForwards",
    value: "FORWARD",
    group: "Forwards",
    everyday: true,
    usage: "Connections to local side forwarded remote",
    help: [
      "A local forward: listen on the host, and connect into the guest's network. The guest sees the client's address " +
      "where possible.",
    ],
  },
  "R": {
    kind: "remoteForward",
    option: "remoteForwards",
    value: "FORWARD",
    group: "Forwards",
    everyday: true,
    usage: "Connections to remote side forwarded local",
    help: [
      "A remote forward: listen in the guest's network, and connect on the host. The policy is not asked, with one " +
      "exception: a target given by name must not resolve to a denied or never-routed address.",
    ],
  },
  "dns-ttl": {
    kind: "duration",
    default: "5s",
    value: "DURATION",
    group: "Forwards",
    complete: ["0", "1s", "5s", "1m"],
    usage: "For how long to cache DNS in case of dns labels passed to forward target",
    help: [
      "How long the address of a name in a forward's target is used before the name is resolved again. Examples: `500ms`, " +
      "`1m30s`. `0` resolves the name for each connection.",
    ],
  },
  "source-ipv4": {
    kind: "ipv4",
    value: "ADDRESS",
    group: "Host side",
    usage: "When connecting, use the selected Source IP for ipv4",
    help: ["The source address of the host's IPv4 connections and datagrams. The host must have this address."],
  },
  "source-ipv6": {
    kind: "ipv6",
    value: "ADDRESS",
    group: "Host side",
    usage: "When connecting, use the selected Source IP for ipv6",
    help: ["The same for IPv6."],
  },
  "sockets": {
    kind: "choice",
    choices: ["libc", "deno"],
    default: "libc",
    value: "KIND",
    group: "Host side",
    usage: "Sockets of the host: libc, by system calls; deno, by the runtime",
    help: [
      "How the program opens the host's sockets for TCP, UDP, name servers and local forwards. `libc`: by system calls, which " +
      "is faster. `deno`: by the runtime's `Deno.connect`, `Deno.listen` and `Deno.listenDatagram`.",
      "With `deno`, the program cannot reset a connection on the host; it closes it instead. The guest gets no error from a " +
      "closed UDP port, so it waits. `-source-ipv4` and `-source-ipv6` are refused. A large burst of datagrams may lose some.",
    ],
  },
  "pcap": {
    kind: "path",
    value: "PATH",
    group: "Observation",
    everyday: true,
    usage: "path to PCAP file",
    help: [
      "Write the packets of both directions to this file, for `tcpdump` or Wireshark. The file has raw IP packets without " +
      "Ethernet headers, with times in microseconds, and ARP packets, which readers show as unknown. A packet is in the " +
      "file before the guest has it, unless many pass at once.",
    ],
  },
  "m": {
    kind: "metricsAddress",
    option: "metrics",
    value: "ADDRESS",
    group: "Observation",
    everyday: true,
    complete: ["tcp://127.0.0.1:", "unix:///"],
    usage: "Metrics addr",
    help: [
      "Serve metrics, open flows and health over HTTP at `tcp://`_IP_`:`_PORT_ or `unix://`_PATH_. `/metrics` is in the " +
      "format of Prometheus, `/flows` lists the open flows in JSON, `/health` answers `ok`. Port 0 is any free port; a line " +
      "on stderr shows it.",
    ],
  },
  "quiet": {
    kind: "boolean",
    group: "Observation",
    usage: "Print less stuff on screen",
    help: [
      "No lines on stdout about forwards and connections, and none on stderr about what the policy refuses.",
    ],
  },
  "verbose": {
    kind: "boolean",
    group: "Observation",
    only: "run",
    usage: "Print what happens, and a line for each connection, on stderr",
    help: ["Print lines about the program, its forwards and each connection on stderr."],
  },
  "audit": {
    kind: "path",
    value: "FILE",
    group: "Observation",
    usage: "file to which a line for each flow and decision is appended, as JSON",
    help: [
      "Append a line to this file for each flow that is opened, each that ends, each that is refused, and, with rules for " +
      "names, each DNS question. `slirpnetstack help audit` describes the lines. No line is left out for lack of room: as " +
      "long as lines can't be written, new flows of the guest are refused. The file is opened before `-user` and `-sandbox` " +
      "take effect, and made if it is missing.",
    ],
  },
  "audit-fd": {
    kind: "spareDescriptor",
    value: "NUMBER",
    group: "Observation",
    usage: "the same, to an inherited file descriptor",
    help: [
      "Write the lines of `-audit` to this inherited file descriptor, 3 or more. If its reader is slow, lines wait; once " +
      "1 MiB of them waits, new flows of the guest are refused until they are read. Not together with `-audit`.",
    ],
  },
  "log": {
    kind: "path",
    value: "FILE",
    group: "Observation",
    usage: "file to which a log about the program is appended",
    help: [
      "Append a log about the program to this file: how it was started, the device, name servers, refusals by the policy, " +
      "limits that are reached, names whose address changes. It is separate from the lines on stdout and stderr. The file is " +
      "opened before `-user` and `-sandbox` take effect, and made if it is missing. Each level is limited to 20 records a " +
      "second.",
    ],
  },
  "log-level": {
    kind: "choice",
    choices: ["debug", "info", "warning", "error"],
    value: "LEVEL",
    group: "Observation",
    usage: "Log records of this level and above: debug, info, warning, error",
    help: [
      "Log records of this level and above. `debug` has each connection, `info` each refusal by the policy, `warning` each " +
      "resource that ran out, `error` the failure that ended the program. The default with `-log` is `info`. Without `-log` " +
      "the records go to stderr.",
    ],
  },
  "log-format": {
    kind: "choice",
    choices: ["text", "json"],
    default: "text",
    value: "FORMAT",
    group: "Observation",
    usage: "Format of the log: text, or json, one object a line",
    help: [
      "The format of the log: lines of text, or one JSON object a line. Both escape text that comes from outside.",
    ],
  },
  "ready-fd": {
    kind: "spareDescriptor",
    value: "NUMBER",
    group: "Process",
    usage: "file descriptor to which a byte is written when traffic flows",
    help: ["Write one byte to this inherited file descriptor, 3 or more, when traffic flows; then close it."],
  },
  "exit-fd": {
    kind: "spareDescriptor",
    value: "NUMBER",
    group: "Process",
    usage: "exit when the other end of this file descriptor closes",
    help: ["Exit, as by SIGTERM, when the other end of this inherited pipe or socket, 3 or more, closes."],
  },
  "user": {
    kind: "user",
    value: "USER",
    group: "Process",
    only: "attach",
    usage: "Become this user, by name or number, once started; with :GROUP, in that group and no other",
    help: [
      "Become this user as soon as everything is open, with the user's groups and without root's capabilities. _USER_ is " +
      "a name or a number. With _USER_`:`_GROUP_, the process has that group alone. Needs root. The parent process gets its " +
      "SIGWINCH just before, because another user may not send it.",
    ],
  },
  // off with attach: the Go program has no sandbox, and its users may have a name service that does not work in one
  "sandbox": {
    kind: "boolean",
    runDefault: true,
    group: "Process",
    everyday: true,
    usage: "Give up system calls and files that are not needed any more once started",
    help: [
      "As soon as everything is open, give up the system calls that are not needed any more and, with Landlock, the " +
      "files. The program then starts no programs, writes no other files, and makes only TCP, UDP and ping sockets. When " +
      "root starts the program, give `-user` as well. The command of `run` is not confined by this. `slirpnetstack help " +
      "sandbox` explains more.",
    ],
  },
  "exit-with-parent": {
    kind: "boolean",
    group: "Process",
    usage: "Exit with parent process",
    help: ["Exit when the process that started the program ends."],
  },
  "maxprocs": {
    kind: "integer",
    value: "NUMBER",
    group: "Process",
    usage: "has no effect; for scripts that set it",
    help: ["Has no effect, and a line on stderr says so. It is accepted for scripts that set it."],
  },
  "version": {
    kind: "boolean",
    group: "Information",
    usage: "Print slirpnetstack version and exit",
    help: ["Print the version and the time of the build, one line each, and exit."],
  },
} as const satisfies Readonly<Record<string, FlagRow>>;

/** The flags of a command by name, in the order of help: those of {@linkcode FLAGS}, and one for each limit. */
export function flagsOf(command: CommandName): Readonly<Record<string, FlagRow>> {
  const own = Object.entries<FlagRow>(FLAGS).filter(([, { only }]) => only === undefined || only === command);
  return Object.fromEntries([...own, ...Object.entries<LimitRow>(LIMITS).map(limitRow)]);
}

function limitRow([name, limit]: [string, LimitRow]): [name: string, row: FlagRow] {
  const { what, whenFull, reason, least, most } = limit;
  return [limitFlag(name), {
    kind: "limit",
    option: name,
    limit,
    default: limit.default,
    value: "NUMBER",
    group: "Limits",
    usage: `The most ${what}; when full, ${whenFull}`,
    help: [`The most ${what}. When full, ${whenFull}. From ${least} to ${most}. Reason for the default: ${reason}.`],
  }];
}
