/**
 * The pages of help that are not about one command's flags, and the table of all.
 *
 * @module
 */
import { COMMAND_LINES, PROGRAM } from "../flags/usage.ts";
import { type Command, COMMANDS, flagSections } from "./commands.ts";
import type { Block, Page, Section } from "./page.ts";

/** The program in a few words. */
export const SUMMARY = "user-mode networking for network namespaces";

/** What the program is. */
export const DESCRIPTION: readonly Block[] = [
  "`slirpnetstack` connects the programs in a network namespace, the guest, to the network. The guest gets no privilege " +
  "over the host's network: there is no bridge, no address translation, no firewall rule and no kernel module. The guest " +
  "sees an ordinary tun or tap device. Its packets go through a TCP/IP stack in this program, which opens ordinary sockets " +
  "on the host, under a policy.",
  "A connection of the guest is accepted after the host's connection to the same destination has succeeded. If that is " +
  "refused or fails, the guest gets the same answer. TCP, UDP and ping work over IPv4 and IPv6.",
];

/** How flags are written. */
export const FLAG_STYLE: readonly Block[] = [
  "`-flag` and `--flag` are the same, and so are `-flag=`_VALUE_ and `-flag` _VALUE_. A flag without a value may be " +
  "`-flag`, `-flag=true` or `-flag=false`. The last use of a flag counts, except where it may be given several times. " +
  "`-h` prints a line about each flag on stderr.",
];

/** What `-L` and `-R` take. */
export const FORWARDS: readonly Section[] = [
  {
    title: "Forwards",
    blocks: [
      "_FORWARD_, the value of `-L` and `-R`, is `[`_NETWORK_`://][`_BIND_`:]`_PORT_`[:`_HOST_`:`_HOSTPORT_`]`, as in ssh. " +
      "`-L` listens at _BIND_`:`_PORT_ on the host, and connects to _HOST_`:`_HOSTPORT_ in the guest's network. `-R` listens " +
      "in the guest's network, and connects on the host.",
      "One part is the port to bind; two are the address and the port to bind; three are the port to bind, the target and " +
      "its port; four are all. An empty part takes its default. IPv6 addresses are in brackets. _HOSTPORT_ is " +
      "_PORT_ unless given.",
      {
        terms: [
          ["`-L`", "binds 127.0.0.1, and targets 10.0.2.100; or ::1 and fd00::100, when the other is an IPv6 address."],
          ["`-R`", "binds 10.0.2.2, and targets 127.0.0.1; or fd00::2 and ::1, when the other is an IPv6 address."],
        ],
      },
      "Port 0 of `-L` is any free port of the host, and a line on stdout says which.",
    ],
  },
  {
    title: "Networks of forwards",
    blocks: [{
      terms: [
        ["`tcp`", "TCP, the default."],
        ["`udp`", "UDP. An exchange ends when nothing passes for some time."],
        ["`udprpc`", "UDP. An exchange ends with the first answer, as with a name server."],
        [
          "`tcppp`",
          "TCP. Each connection begins with a line of the PROXY protocol, version 1, which has the client's address. Only " +
          "with `-L`. Target port 0 is the destination port of that line.",
        ],
        [
          "`udpspp`",
          "UDP. Each datagram begins with the 38-byte header of the Simple Proxy Protocol. Only with `-L`. Target port 0 is " +
          "the destination port of that header.",
        ],
      ],
    }],
  },
  {
    title: "Names in forwards",
    blocks: [
      "_HOST_ may be a name. It is resolved when it is used, and again after `-dns-ttl`; IPv4 is preferred. " +
      "_NAME_`@srv-`_IP_`:`_PORT_ asks that name server for the name's SRV record, which also has the port. `@srv-`_PORT_ is " +
      "a name server on this machine. A name to bind that does not resolve ends the start; a target that does not resolve " +
      "fails that one connection.",
    ],
  },
  {
    title: "Examples",
    blocks: examples([
      ["Port 8080 of the host is port 80 of the guest:", "slirpnetstack -L 8080:10.0.2.100:80"],
      ["The same for other machines than the host, and over IPv6:", "slirpnetstack -L '[::]:8080:[fd00::100]:80'"],
      ["The host's name server, for the guest:", "slirpnetstack -R udprpc://53 -R tcp://53"],
      [
        "The service `web` of Consul:",
        "slirpnetstack -R '80:[web.service.consul@srv-127.0.0.1:8600]:0'",
      ],
    ]),
  },
];

/** What the guest may reach, and what `-allow` and `-deny` take. */
export const POLICY: readonly Section[] = [
  {
    title: "Policy",
    blocks: [
      "Whether the guest may reach an address is decided by the first of these rules that applies.",
      {
        terms: [
          ["1. `-deny`", "an address in one of these ranges can't be reached."],
          ["2. `-allow`", "an address in one of these ranges can be reached."],
          [
            "3. addresses that are never routed",
            "0.0.0.0/8, 10.0.2.0/24, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255, ::/96, ::1, ::ffff:0:0/96, " +
            "64:ff9b:1::/48, fe80::/10 and ff00::/8 can't be reached.",
          ],
          ["4. `-enable-host`", "decides about the host's own addresses and networks."],
          ["5. `-enable-routing`", "decides about the rest, the internet."],
        ],
      },
      "An IPv6 address that leads to an IPv4 address (6to4, Teredo, ISATAP) can be reached only where that can be reached, " +
      "too. Of NAT64's prefix (64:ff9b::/96), the IPv4 address alone decides, unless `-deny` has the IPv6 address.",
      "The policy does not apply to the addresses and ports where `-R` listens.",
      "A TCP connection to an address that can't be reached is refused. A datagram is dropped, and an ICMP error is sent.",
    ],
  },
  {
    title: "Ranges",
    blocks: [
      "_RANGE_, the value of `-allow` and `-deny`, is `[`_NETWORK_`://]`_ADDRESS_`[:`_PORT_`[-`_PORT_`]]`. _NETWORK_ is " +
      "`tcp`, also when not given, or `udp`. _ADDRESS_ is an address, a CIDR, or a name, which stands for the addresses that " +
      "it has when the program starts. An IPv6 address goes in brackets where a port follows. Without a port, it is every " +
      "port. Several ranges are separated by commas.",
    ],
  },
  {
    title: "Examples",
    blocks: examples([
      ["The internet without mail:", "slirpnetstack -deny 'tcp://0.0.0.0/0:25,tcp://[::]/0:25'"],
      [
        "Nothing but one web server and one name server:",
        "slirpnetstack -disable-routing -allow tcp://1.1.1.1:80,udp://1.1.1.1:53",
      ],
      ["One service on the host itself:", "slirpnetstack -allow 192.0.2.7:5432"],
    ]),
  },
];

/** The limits of what a guest can use. */
export const LIMITS_SECTIONS: readonly Section[] = [
  {
    title: "Limits",
    blocks: [
      "A guest can use up no more than these limits allow. Each has a flag and a rule for when it is full, so that one " +
      "guest's excess costs old or idle entries, not memory without bound.",
      "With `-m`, the metrics `slirpnetstack_limit_current`, `slirpnetstack_limit_max` and " +
      "`slirpnetstack_limit_overflows_total` report each limit. Their label `resource` is the flag's name with underscores " +
      "and without `max`: `half_open`.",
      "Each connection and each UDP association takes a file descriptor of the host. The program raises its own limit of " +
      "descriptors as far as it may. When none is left, or no memory, that connection is refused or that datagram answered " +
      "with an ICMP error, counted as the resource `descriptors`, and serving goes on.",
    ],
  },
];

/** What is printed, which signals end the program, and with which status it ends. */
export const OUTPUT: readonly Section[] = [
  {
    title: "Output",
    blocks: [
      "stderr has lines about the program itself: what it opens, and `[+] #`_PID_` Slirpnetstack started` when it is ready. " +
      "At that point its parent process gets a SIGWINCH. stdout has a line for each forward, and for each connection that " +
      "begins, ends or fails, unless `-quiet` is given. Each line is written at once.",
      "Each destination that the policy refuses is reported on stderr, once for each rule, unless `-quiet` is given. After " +
      "256 reports in an hour, further ones are left out.",
      {
        code: [
          "[+] tcp://10.0.2.100:40000/192.0.2.1:51000-1.1.1.1:80 Routing conn new",
          "[-] tcp://10.0.2.100:40000/192.0.2.1:51000-1.1.1.1:80 Routing conn done: l=[EOF]/0 r=EOF/0",
        ],
      },
      "`l=` is the side that asked for the connection, `r=` the other. Each has two reasons: why reading from it ended, and " +
      "why writing to it ended. `EOF` is an orderly end, `0` none. The first to happen is in square brackets.",
      "`-log` and `-log-level` write a log about the program, separate from these lines.",
    ],
  },
  {
    title: "Signals",
    blocks: [{
      terms: [["SIGINT, SIGTERM", "Reset all connections, on both sides, and end with status 0."]],
    }],
  },
  {
    title: "Exit status",
    blocks: [{
      terms: [
        [
          "0",
          "The program was ended by SIGINT or SIGTERM, or has printed what was asked for. `run` ends with its command's status.",
        ],
        ["1", "The device has gone away, the file of `-log` could not be opened, or the runtime lacks a permission."],
        ["2", "An unknown flag, a bad value, or a word where none belongs."],
        ["126", "The command of `run` could not be executed."],
        ["127", "The command of `run` was not found."],
        ["246", "The bind address of a remote forward (`-R`) could not be resolved."],
        ["247", "A local forward (`-L`) could not listen."],
        ["250", "The file of `-pcap` could not be opened."],
        ["252", "`-fd` and `-netns` were both given."],
        ["253", "The namespace or the device could not be opened."],
        ["254", "The metrics (`-m`) could not be served."],
      ],
    }],
  },
];

/** Words behind the program's name that are no command with flags. */
export const OTHER_COMMANDS: readonly (readonly [synopsis: string, meaning: string])[] = [
  ["help [_TOPIC_|`-`_FLAG_]", "print help: about everything in short, about one command or topic, or about one flag"],
  [
    "completions `bash`|`zsh`|`fish`",
    "print the completions for a shell; evaluate them, or put them where the shell looks for them",
  ],
];

/** The words that are commands, and what each does. */
export const COMMAND_WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ...COMMANDS.filter(({ typed }) => typed).map(({ name, summary }) => [name, summary] as const),
  ["help", "print help"],
  ["completions", "print the completions for a shell"],
];

/** What else to read. */
export const SEE_ALSO = "ip-netns(8), ip-tuntap(8), network_namespaces(7), unshare(1), nsenter(1), tcpdump(8), ssh(1)";

/** All pages but the first. */
export const PAGES: readonly Page[] = [
  ...COMMANDS.map(commandPage),
  { name: "forwards", summary: "what -L and -R take", synopsis: [], sections: FORWARDS },
  { name: "policy", summary: "what a guest may reach; what -allow and -deny take", synopsis: [], sections: POLICY },
  {
    name: "limits",
    summary: "what a guest can use up at most",
    synopsis: [],
    sections: [...LIMITS_SECTIONS, ...flagSections(COMMANDS[0]!).filter(({ title }) => title === "Limits flags")],
  },
  { name: "output", summary: "lines, signals and exit statuses", synopsis: [], sections: OUTPUT },
];

/** The page that `slirpnetstack help` alone prints. */
export const OVERVIEW: Page = {
  name: "",
  summary: SUMMARY,
  synopsis: [...COMMANDS.map(commandLine), ...OTHER_COMMANDS.map(([synopsis]) => `\`${PROGRAM}\` ${synopsis}`)],
  sections: [
    { title: "Description", blocks: DESCRIPTION },
    {
      title: "Help",
      blocks: [{
        terms: [
          ...PAGES.map(({ name, summary }) => [`\`${PROGRAM} help ${name}\``, `${summary}.`] as const),
          [`\`${PROGRAM} help -\`_FLAG_`, "about one flag."],
          [`\`${PROGRAM} -h\``, "a line about each flag."],
        ],
      }],
    },
    { title: "Examples", blocks: examples(COMMANDS.flatMap((command) => command.examples)) },
  ],
};

/** The command line of a command, in the markup of texts. */
export function commandLine(command: Command): string {
  return `\`${COMMAND_LINES[command.name]}\` ${command.synopsis}`;
}

/** Each purpose, and its command line. */
export function examples(list: Command["examples"]): Block[] {
  return list.flatMap(([purpose, command]) => [purpose, { code: [command] }]);
}

function commandPage(command: Command): Page {
  return {
    name: command.name,
    summary: command.summary,
    synopsis: [commandLine(command)],
    sections: [
      { title: "Description", blocks: command.description },
      { title: "Flags", blocks: FLAG_STYLE },
      ...flagSections(command),
      { title: "Examples", blocks: examples(command.examples) },
    ],
  };
}
