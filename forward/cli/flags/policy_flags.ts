/**
 * The flags about the destinations of the guest: policy, forwards, and the host's side. Rows of the table in flag_table.ts.
 *
 * @module
 */
import type { FlagRow } from "./flag_row.ts";

/** The flags by name, in the order of help. */
export const POLICY_FLAGS = {
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
  "names": {
    kind: "choice",
    choices: ["own", "real"],
    default: "own",
    value: "KIND",
    group: "Policy",
    usage: "Addresses of names that have rules: own, made up for each name; real, those of the name",
    help: [
      "The addresses that the guest gets for names that have rules. `own`: an address for each name that no host has. A " +
      "connection to it is a connection to that name, wherever the name is then. `real`: the addresses that the name has, " +
      "for programs that show, compare or hand on addresses.",
      "With `real`, an address can be reached for the time of the answer, at least a minute, and five minutes more; open " +
      "connections go on. Names that share an address are told apart by what a connection shows. A rule that asks for " +
      "nothing, such as `tcp://`, opens its port of an address for all names that share the address.",
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
  "observe": {
    kind: "boolean",
    group: "Policy",
    usage: "Let through what no rule allows, and report it; for trusted programs, to find the rules",
    help: [
      "Judge by the rules of `-only` and `-policy`, if there are any, and report what no rule allows, but let it through. " +
      "What a rule denies, what is never routed and the host's own networks stay refused. For a run of a program that is " +
      "trusted, to find out which rules it needs; see `-learn`.",
    ],
  },
  "learn": {
    kind: "path",
    value: "FILE",
    group: "Policy",
    usage: "file to which a policy is written at the end: of what was used with -observe, or else of what was refused",
    help: [
      "At the end, write a policy to this file. With `-observe`, it allows what the guest has used: exact names, with the " +
      "port and the kind of traffic that the flows have shown. Otherwise it allows what was refused for want of a rule. The " +
      "rules are sorted. Wildcards are proposed in comments. The file is opened, and emptied, at the start.",
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
  "api": {
    kind: "unixAddress",
    value: "ADDRESS",
    group: "Forwards",
    complete: ["unix:///"],
    usage: "Unix socket of an HTTP API by which forwards are added and removed",
    help: [
      "Serve an HTTP API at `unix://`_PATH_ by which forwards are added, removed and listed while the program runs. The " +
      "help page on forwards describes it. Only the user who started the program can connect to the socket, which is " +
      "removed at the end.",
      "With `-sandbox` the program keeps CAP_NET_BIND_SERVICE if it has it, so that later forwards can listen on low " +
      "ports too. With `-user` it does not.",
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
      "`1m30s`. `0` resolves the name for each connection. It is also the least time for which an answer about a name with " +
      "a rule of `-only` is kept.",
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
} as const satisfies Readonly<Record<string, FlagRow>>;
