/**
 * The help pages about forwards, policy, limits and output, and the table of all pages. Longer pages have files of their
 * own.
 *
 * @module
 */
import { COMMAND_LINES, PROGRAM } from "../flags/usage.ts";
import { type Command, COMMANDS, flagSections } from "./commands.ts";
import { AUDIT } from "./audit_page.ts";
import { EGRESS } from "./egress_page.ts";
import type { Block, Page, Section } from "./page.ts";
import { SANDBOX } from "./sandbox_page.ts";
import { PASTA_PAGE } from "./pasta_page.ts";
import { SLIRP4NETNS_PAGE } from "./slirp4netns_page.ts";
import { TOP, TOP_SYNOPSIS } from "./top_page.ts";

/** The program in a few words. */
export const SUMMARY = "user-mode networking for network namespaces";

/** The description of the program. */
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

/** The values of `-L` and `-R`. */
export const FORWARDS: readonly Section[] = [
  {
    title: "Forwards",
    blocks: [
      "`-L` and `-R` take a _FORWARD_, written as in ssh: `[`_NETWORK_`://][`_BIND_`:]`_PORT_`[:`_HOST_`:`_HOSTPORT_`]`. " +
      "`-L` listens at _BIND_`:`_PORT_ on the host, and connects to _HOST_`:`_HOSTPORT_ in the guest's network. `-R` listens " +
      "in the guest's network, and connects on the host.",
      "One part is _PORT_; two are _BIND_ and _PORT_; three are _PORT_, _HOST_ and _HOSTPORT_; four are all. An empty part " +
      "takes its default. _HOSTPORT_ defaults to _PORT_. IPv6 addresses are in brackets. The other defaults are:",
      {
        terms: [
          ["`-L`", "Bind 127.0.0.1, connect to 10.0.2.100. If one of them is an IPv6 address: ::1 and fd00::100."],
          ["`-R`", "Bind 10.0.2.2, connect to 127.0.0.1. If one of them is an IPv6 address: fd00::2 and ::1."],
        ],
      },
      "Port 0 of `-L` is any free port of the host; a line on stdout shows it.",
    ],
  },
  {
    title: "Networks of forwards",
    blocks: [{
      terms: [
        ["`tcp`", "TCP, the default."],
        ["`udp`", "UDP. A flow ends when it has been idle for some time."],
        ["`udprpc`", "UDP. A flow ends after the first answer, as suits DNS."],
        [
          "`tcppp`",
          "TCP. Each connection begins with a PROXY protocol line, version 1, which gives the client's address. Only " +
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
      "_NAME_`@srv-`_IP_`:`_PORT_ asks that name server for the name's SRV record, which also gives the port. " +
      "_NAME_`@srv-`_PORT_ asks a name server on the host. If a name to bind does not resolve, the program does not start. " +
      "If a target does not resolve, that one connection fails.",
    ],
  },
  {
    title: "Forwards that come and go",
    blocks: [
      "`-api unix://`_PATH_ serves an HTTP API by which forwards are added and removed while the program runs. Its paths " +
      "and its JSON are those of gvisor-tap-vsock (gvproxy).",
      {
        terms: [
          ["`POST /services/forwarder/expose`", "Add a forward. The body is a JSON object with the fields below."],
          [
            "`POST /services/forwarder/unexpose`",
            "Remove the forward that has this `direction`, `protocol` and `local`. `remote` does not matter.",
          ],
          ["`GET /services/forwarder/all`", "List all forwards, also those of `-L` and `-R`."],
          ["`GET /policy`, `POST /policy`", "Show the rules of `-only` and `-policy`, or replace those of `-policy`."],
        ],
      },
      {
        terms: [
          [
            "`local`",
            "_HOST_`:`_PORT_ where the forward listens. An empty _HOST_ is every address of the host, unlike with `-L`. For " +
            "port 0, any free port, the answer has the forward with its port.",
          ],
          [
            "`remote`",
            "_HOST_`:`_PORT_ where the forward connects to. An empty _HOST_ has the default of `-L` or `-R`.",
          ],
          ["`protocol`", "One of the networks of forwards. The default is `tcp`."],
          [
            "`direction`",
            "`local`, the default, listens on the host, as `-L` does. `remote` listens in the guest's network, as `-R` does.",
          ],
        ],
      },
      "The status is 200 for success, 400 for a wrong request, and 500 if a forward can't be added or is not there; the " +
      "body says why. A body may have 64 KiB, and a request takes 10 seconds at most. A removed forward stops listening, " +
      "and its port is free at once. Open TCP connections go on. UDP flows end.",
      "The socket has mode 0600: only the user who started the program, and root, can connect.",
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

/** The rules of the policy, and the values of `-allow` and `-deny`. */
export const POLICY: readonly Section[] = [
  {
    title: "Policy",
    blocks: [
      "The first of these rules that applies decides whether the guest may reach an address.",
      {
        terms: [
          ["1. `-deny`", "An address in one of these ranges can't be reached."],
          ["2. `-allow`", "An address in one of these ranges can be reached."],
          [
            "3. addresses that are never routed",
            "0.0.0.0/8, 10.0.2.0/24, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255, ::/96, ::1, ::ffff:0:0/96, " +
            "64:ff9b:1::/48, fe80::/10 and ff00::/8 can't be reached.",
          ],
          ["4. `-enable-host`", "This flag decides about the host's own addresses and networks."],
          ["5. `-enable-routing`", "This flag decides about the rest, the internet."],
        ],
      },
      "An IPv6 address that leads to an IPv4 address (6to4, Teredo, ISATAP) can be reached only if the IPv4 address can be " +
      "reached too. In NAT64's prefix (64:ff9b::/96), only the IPv4 address counts, unless `-deny` has the IPv6 address.",
      "The policy does not apply to the addresses and ports where `-R` listens.",
      "A TCP connection to an address that can't be reached is refused. A datagram is dropped, and an ICMP error is sent.",
    ],
  },
  {
    title: "Ranges",
    blocks: [
      "`-allow` and `-deny` take ranges, separated by commas. A _RANGE_ is " +
      "`[`_NETWORK_`://]`_ADDRESS_`[:`_PORT_`[-`_PORT_`]]`. _NETWORK_ is `tcp`, the default, or `udp`. _ADDRESS_ is an " +
      "address, a CIDR, or a name, which stands for the addresses that it has when the program starts. If a port follows, an " +
      "IPv6 address is in brackets. Without a port, the range covers every port.",
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
      "These limits bound what a guest can use up. Each has a flag, and a rule for when it is full: a guest that wants more " +
      "loses its old or idle entries, and the memory of the program stays bounded.",
      "With `-m`, the metrics `slirpnetstack_limit_current`, `slirpnetstack_limit_max` and " +
      "`slirpnetstack_limit_overflows_total` report each limit. Their label `resource` is the flag's name with underscores " +
      "and without `max`: `half_open`.",
      "Each connection and each UDP association takes a file descriptor of the host. The program raises its own limit of " +
      "descriptors as far as it may. When descriptors or memory run out, a new connection is refused, and a datagram is " +
      "answered with an ICMP error. Both count as the resource `descriptors`, and the program goes on.",
    ],
  },
];

/** The lines that are printed, the signals that end the program, and the exit statuses. */
export const OUTPUT: readonly Section[] = [
  {
    title: "Output",
    blocks: [
      "stderr has lines about the program itself: what it opens, and `[+] #`_PID_` Slirpnetstack started` when it is ready. " +
      "At that point its parent process gets a SIGWINCH. stdout has a line for each forward, and for each connection that " +
      "begins, ends or fails; `-quiet` turns them off. Each line is written at once.",
      "Each destination that the policy refuses is reported on stderr, once for each rule, unless `-quiet` is given. After " +
      "256 reports in an hour, further ones are left out.",
      {
        code: [
          "[+] tcp://10.0.2.100:40000/192.0.2.1:51000-1.1.1.1:80 Routing conn new",
          "[-] tcp://10.0.2.100:40000/192.0.2.1:51000-1.1.1.1:80 Routing conn done: l=[EOF]/0 r=EOF/0",
        ],
      },
      "`l=` is the side that asked for the connection, `r=` the other. Each has two reasons: why reading from it ended, and " +
      "why writing to it ended. `EOF` is an orderly end, and `0` is no reason. The first to happen is in square brackets.",
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
          "SIGINT or SIGTERM ended the program, or it printed help, completions or the version. `run` exits with its " +
          "command's status.",
        ],
        [
          "1",
          "The device has gone away, the file of `-log` or the socket of `-api` could not be made, or the runtime lacks a " +
          "permission.",
        ],
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

/** The commands without flags. */
export const OTHER_COMMANDS: readonly (readonly [synopsis: string, meaning: string])[] = [
  ["help [_TOPIC_|`-`_FLAG_]", "print an overview, or help about a command, a topic or a flag"],
  [
    "completions `bash`|`zsh`|`fish`",
    "print the completions for a shell, to be evaluated or put where the shell looks for them",
  ],
  [
    "policy `explain` _FILE_ _NAME_[`:`_PORT_]",
    "print what a policy says about a name or an address, and by which rule",
  ],
  ["policy `show` `@`_PRESET_", "print the rules of a preset, and where they are from"],
  ["policy `schema`", "print the JSON schema of policy files"],
  [
    "top `tcp://`_IP_`:`_PORT_|`unix://`_PATH_",
    "show what a guest uses and what is refused, by name; the address is that of `-m`",
  ],
  ["slirp4netns [_OPTION_]... _GUEST_ [_TAPNAME_]", "serve a guest in place of slirp4netns, with its options"],
  ["pasta [_OPTION_]... _GUEST_", "serve a guest in place of pasta, with its options"],
];

/** The commands that are words, and what each does. */
export const COMMAND_WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ...COMMANDS.filter(({ typed }) => typed).map(({ name, summary }) => [name, summary] as const),
  ["help", "print help"],
  ["completions", "print the completions for a shell"],
  ["policy", "look at policies"],
  ["top", "show what a guest uses, by name"],
  ["slirp4netns", "serve a guest in place of slirp4netns"],
  ["pasta", "serve a guest in place of pasta"],
];

/** Manual pages on related subjects. */
export const SEE_ALSO = "ip-netns(8), ip-tuntap(8), network_namespaces(7), unshare(1), nsenter(1), tcpdump(8), ssh(1)";

/** All pages but the first. */
export const PAGES: readonly Page[] = [
  ...COMMANDS.map(commandPage),
  { name: "forwards", summary: "the values of -L and -R", synopsis: [], sections: FORWARDS },
  {
    name: "egress",
    summary: "the names that a guest may reach: -only and -policy",
    synopsis: [],
    sections: EGRESS,
  },
  { name: "audit", summary: "the lines of -audit and -audit-fd", synopsis: [], sections: AUDIT },
  {
    name: "top",
    summary: "what a guest uses and what is refused, by name, live",
    synopsis: [TOP_SYNOPSIS],
    sections: TOP,
  },
  { name: "policy", summary: "the rules for destinations; -allow and -deny", synopsis: [], sections: POLICY },
  {
    name: "limits",
    summary: "the limits on what a guest can use",
    synopsis: [],
    sections: [...LIMITS_SECTIONS, ...flagSections(COMMANDS[0]).filter(({ title }) => title === "Limits flags")],
  },
  { name: "sandbox", summary: "the privileges that -sandbox and -user give up", synopsis: [], sections: SANDBOX },
  { name: "slirp4netns", summary: "in place of slirp4netns", synopsis: [], sections: SLIRP4NETNS_PAGE },
  { name: "pasta", summary: "in place of pasta", synopsis: [], sections: PASTA_PAGE },
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

/** Blocks that show examples: each purpose, and its command line. */
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
