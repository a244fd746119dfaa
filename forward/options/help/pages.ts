/**
 * The pages of help that are not about one command's flags, and the table of all.
 *
 * @module
 */
import { COMMAND_LINES, PROGRAM } from "../usage.ts";
import { type Command, COMMANDS, flagSections } from "./commands.ts";
import type { Block, Page, Section } from "./page.ts";

/** The program in a few words. */
export const SUMMARY = "user-mode networking for network namespaces";

/** What the program is. */
export const DESCRIPTION: readonly Block[] = [
  "`slirpnetstack` connects the programs in a network namespace, the guest, to the network, without giving the guest any " +
  "privilege over the host's network: there is no bridge, no address translation, no firewall rule and no kernel module. " +
  "The guest sees an ordinary tun or tap device. What it sends there goes through a TCP/IP stack in this program, and " +
  "leaves the host from ordinary sockets of an ordinary process, under a policy.",
  "A connection of the guest is accepted when the host's connection to the same place has succeeded; one that is refused, " +
  "or does not get there, is answered likewise. TCP, UDP and ping go through, over IPv4 and IPv6.",
];

/** How flags are written. */
export const FLAG_STYLE: readonly Block[] = [
  "`-flag` and `--flag` are the same, and so are `-flag=`_VALUE_ and `-flag` _VALUE_. A flag without a value may be " +
  "`-flag`, `-flag=true` or `-flag=false`. The last use of a flag counts, except where it may be given several times. " +
  "`-h` prints a line about each flag on stderr.",
];

/** FORWARD. */
export const FORWARDS: readonly Section[] = [
  {
    title: "Forwards",
    blocks: [
      "_FORWARD_, the value of `-L` and `-R`, is `[`_NETWORK_`://][`_BIND_`:]`_PORT_`[:`_HOST_`:`_HOSTPORT_`]`, as ssh has " +
      "it. `-L` listens at _BIND_`:`_PORT_ on the host, and connects to _HOST_`:`_HOSTPORT_ in the guest's network; `-R` " +
      "listens in the guest's network, and connects on the host.",
      "One part is the port to bind; two are the address and the port to bind; three are the port to bind, the target and " +
      "its port; four are all. A part that is empty takes its default. An IPv6 address goes in brackets. _HOSTPORT_ is " +
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
        ["`tcp`", "TCP; when no network is given."],
        ["`udp`", "UDP. An exchange is over when nothing has come from either side for some time."],
        ["`udprpc`", "UDP where an exchange is over with the first answer, as that with a name server is."],
        [
          "`tcppp`",
          "TCP where each connection begins with a line of the PROXY protocol, version 1, that says where it comes from. " +
          "Only with `-L`. With target port 0, it goes to the port that the line says.",
        ],
        [
          "`udpspp`",
          "UDP where each datagram begins with a header of the Simple Proxy Protocol, 38 bytes. Only with `-L`. Target port " +
          "0 as above.",
        ],
      ],
    }],
  },
  {
    title: "Names in forwards",
    blocks: [
      "_HOST_ may be a name, which is resolved when it is used, and again after `-dns-ttl`; IPv4 is preferred. " +
      "_NAME_`@srv-`_IP_`:`_PORT_ (or `@srv-`_PORT_ on this machine) asks that name server for the name's SRV record, and " +
      "takes the port from it. A name to bind that does not resolve ends the start; a target that does not resolve " +
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
        "What Consul says that `web` is:",
        "slirpnetstack -R '80:[web.service.consul@srv-127.0.0.1:8600]:0'",
      ],
    ]),
  },
];

/** RANGE, and in which order what is asked. */
export const POLICY: readonly Section[] = [
  {
    title: "Policy",
    blocks: [
      "Whether the guest may reach an address is found out in this order; what comes first decides.",
      {
        terms: [
          ["1. `-deny`", "what is in one of these ranges can't be reached."],
          ["2. `-allow`", "what is in one of these can."],
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
      "Where a `-R` listens, the policy is not asked: that is the forward's own.",
      "A TCP connection to what can't be reached is refused. A datagram to it is dropped, and an ICMP error says so.",
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

/** Lines, signals, exit statuses. */
export const OUTPUT: readonly Section[] = [
  {
    title: "Output",
    blocks: [
      "stderr has what happens to the program itself: a line for what it opens, and `[+] #`_PID_` Slirpnetstack started` " +
      "when it is ready; then its parent process gets a SIGWINCH, too. stdout has a line for each forward, and for each " +
      "connection that begins, ends or fails, unless `-quiet` is given. Each line is written at once.",
      "What the policy refuses is said on stderr, once for each rule and destination, unless `-quiet` is given; of more than " +
      "256 in an hour, no more is said.",
      {
        code: [
          "[+] tcp://10.0.2.100:40000/192.0.2.1:51000-1.1.1.1:80 Routing conn new",
          "[-] tcp://10.0.2.100:40000/192.0.2.1:51000-1.1.1.1:80 Routing conn done: l=[EOF]/0 r=EOF/0",
        ],
      },
      "Behind `l=` is how the side that has asked ended, behind `r=` the other: what ended reading from it, and writing to " +
      "it. `EOF` is an orderly end, `0` none; what came first is in square brackets.",
      "`-log` and `-log-level` are for a log about the program itself, apart from these lines.",
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
          "SIGINT or SIGTERM has ended it; or it has printed what was asked for. `run` ends with the status of its command.",
        ],
        ["1", "The device has gone away, the file of `-log` could not be opened, or the runtime lacks a permission."],
        ["2", "A flag is unknown, or its value is bad; or a word stands where none belongs."],
        ["126", "The command of `run` could not be executed."],
        ["127", "The command of `run` was not found."],
        ["246", "What a remote forward (`-R`) should bind could not be resolved."],
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
    "print the completions for a shell, to be evaluated or put where it looks for them",
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
