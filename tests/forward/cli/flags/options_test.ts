import { assert, assertEquals, assertStringIncludes } from "../../../assert.ts";
import { DEFAULT_LIMITS, limitFlag, LIMITS } from "../../../../forward/limits/limits.ts";
import { formatHost } from "../../../../forward/syntax/forward_spec.ts";
import type { UserIds } from "../../../../forward/cli/flags/flag_values.ts";
import { type Options, parseOptions, parseRunOptions } from "../../../../forward/cli/flags/options.ts";
import { IpAddress } from "../../../../stack/base/address.ts";
import { OWN_MANNER } from "../../../../forward/cli/flags/manner.ts";
import { DEFAULT_ADDRESSES } from "../../../../stack/link/addresses.ts";

const hosts = new Map([["two.example", ["192.0.2.1", "2001:db8::1"]], ["localhost", ["127.0.0.1"]]]);

function resolve(name: string): Promise<IpAddress[]> {
  const literal = IpAddress.tryParse(name);
  if (literal !== null) return Promise.resolve([literal]);
  const found = hosts.get(name);
  return found === undefined ? Promise.reject(new Error("no such host")) : Promise.resolve(found.map(IpAddress.parse));
}

/** `UID:GID`. */
function findUser(text: string): UserIds {
  const [uid, gid] = text.split(":").map(Number);
  if (uid === undefined || gid === undefined) throw new Error(`user: unknown user ${text}`);
  return { uid, gid, groups: [gid] };
}

async function options(...args: string[]): Promise<Options> {
  const outcome = await parseOptions(args, { resolve, findUser });
  assert(outcome.kind === "options", JSON.stringify(outcome));
  return outcome.options;
}

async function message(...args: string[]): Promise<string> {
  const outcome = await parseOptions(args, { resolve, findUser });
  assert(outcome.kind === "error", JSON.stringify(outcome));
  return outcome.message;
}

Deno.test("defaults: routing is on, the host's networks are closed", async () => {
  assertEquals(await options(), {
    netns: null,
    interface: "tun0",
    addresses: DEFAULT_ADDRESSES,
    manner: OWN_MANNER,
    fd: null,
    mtu: 0,
    offload: true,
    enableRouting: true,
    enableHost: false,
    allow: [],
    deny: [],
    only: [],
    policy: null,
    observe: false,
    learn: null,
    names: "own",
    rules: null,
    icmp: "local",
    sockets: "libc",
    localForwards: [],
    remoteForwards: [],
    dns: false,
    dnsNames: "all",
    dhcp: true,
    slaac: false,
    dnsTtl: 5_000,
    sourceIpv4: null,
    sourceIpv6: null,
    pcap: null,
    metrics: null,
    api: null,
    apiSocket: null,
    user: null,
    sandbox: false,
    exitWithParent: false,
    maxprocs: null,
    limits: DEFAULT_LIMITS,
    quiet: false,
    audit: null,
    auditFd: null,
    log: null,
    logLevel: null,
    logFormat: "text",
    hostLoopback: false,
    readyFd: null,
    exitFd: null,
    configure: false,
    makeTap: false,
    macAddress: null,
    bess: null,
    version: false,
  });
});

Deno.test("every flag reaches its option", async () => {
  const all = await options(
    ..."-netns /proc/1/ns/net --interface=tap3 -mtu 65521 -enable-routing=false -enable-host -icmp auto -sockets libc -quiet"
      .split(
        " ",
      ),
    ..."-fd 3 -source-ipv4 192.0.2.1 -source-ipv6=two.example -pcap /tmp/x.pcap -m unix:///run/m -api unix:///run/a"
      .split(" "),
    ..."-L 80 -L udprpc://[::1]:0::53 -R udp://53:web.example:54 -dns-ttl=1m2.5s -exit-with-parent -maxprocs 2".split(
      " ",
    ),
    ..."-cidr 10.7.0.0/16 -configure -make-tap -mac-address 52:54:0:12:34:aB -offload=false -host-loopback".split(" "),
    ..."-ready-fd 4 -exit-fd=-1 -audit /tmp/x.jsonl -audit-fd 5".split(" "),
    ..."-log /tmp/x.log -log-level debug -log-format=json -dns -dhcp=false -slaac -max-half-open=9 -max-icmp-errors 0"
      .split(" "),
    ..."-user 7:8 -sandbox -version -allow 10.0.0.0/8:80,udp://two.example -allow [fd00::]/8 -deny tcp://192.0.2.1:1-2"
      .split(" "),
  );
  const shown = (ranges: Options["allow"]) =>
    ranges.map(({ network, prefix, minPort, maxPort }) => `${network} ${prefix} ${minPort}-${maxPort}`);
  const forwards = (specs: Options["localForwards"]) =>
    specs.map(({ network, bind, target }) =>
      `${network} ${formatHost(bind.host)} ${bind.port} ${formatHost(target.host)} ${target.port}`
    );
  const { allow, deny, localForwards, remoteForwards, addresses, ...rest } = all;
  const lists = {
    addresses: `${addresses.gateway4}`,
    allow: shown(allow),
    deny: shown(deny),
    localForwards: forwards(localForwards),
    remoteForwards: forwards(remoteForwards),
    sourceIpv4: String(all.sourceIpv4),
    sourceIpv6: String(all.sourceIpv6),
  };
  assertEquals({ ...rest, ...lists }, {
    netns: "/proc/1/ns/net",
    interface: "tap3",
    addresses: "10.7.0.2",
    manner: OWN_MANNER,
    fd: 3,
    mtu: 65521,
    offload: false,
    enableRouting: false,
    enableHost: true,
    allow: [
      "tcp 10.0.0.0/8 80-80",
      "udp 192.0.2.1/32 0-65535",
      "udp 2001:db8::1/128 0-65535",
      "tcp fd00::/8 0-65535",
    ],
    deny: ["tcp 192.0.2.1/32 1-2"],
    only: [],
    policy: null,
    observe: false,
    learn: null,
    names: "own",
    rules: null,
    icmp: "auto",
    sockets: "libc",
    localForwards: ["tcp 127.0.0.1 80 10.7.0.100 80", "udp ::1 0 fd00::100 53"],
    remoteForwards: ["udp 10.7.0.2 53 web.example 54"],
    dns: true,
    dnsNames: "all",
    dhcp: false,
    slaac: true,
    dnsTtl: 62_500,
    sourceIpv4: "192.0.2.1",
    sourceIpv6: "2001:db8::1",
    pcap: "/tmp/x.pcap",
    metrics: { kind: "unix", path: "/run/m" },
    api: { kind: "unix", path: "/run/a" },
    apiSocket: null,
    user: { uid: 7, gid: 8, groups: [8] },
    sandbox: true,
    exitWithParent: true,
    maxprocs: 2,
    limits: { ...DEFAULT_LIMITS, halfOpen: 9, icmpErrors: 0 },
    quiet: true,
    audit: "/tmp/x.jsonl",
    auditFd: 5,
    log: "/tmp/x.log",
    logLevel: "debug",
    logFormat: "json",
    hostLoopback: true,
    readyFd: 4,
    exitFd: null,
    configure: true,
    makeTap: true,
    macAddress: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0xab),
    bess: null,
    version: true,
  });
});

Deno.test("a socket that a guest connects to is the only source of frames", async () => {
  assertEquals((await options("-bess", "/run/uml.sock")).bess, "/run/uml.sock");
  for (const other of ["-netns=/x", "-pid=1", "-fd=3", "-configure", "-make-tap"]) {
    assertEquals(await message("-bess=/run/x", other), `-bess and ${other.split("=")[0]} exclude each other`);
  }
  assertEquals(await message("-mac-address", "2:0:0:0:0:1"), "-mac-address needs -configure");
});

Deno.test("the older spellings disable, whatever their position", async () => {
  assertEquals((await options("-disable-routing")).enableRouting, false);
  assertEquals((await options("-disable-routing", "-enable-routing")).enableRouting, false);
  assertEquals((await options("-disable-routing=false")).enableRouting, true);
  assertEquals((await options("-disable-host-networks", "-enable-host")).enableHost, false);
  assertEquals((await options("-disable-host-networks=false")).enableHost, false);
});

Deno.test("an empty path is the current namespace", async () => {
  assertEquals((await options("-netns=")).netns, null);
  assertEquals((await options("-fd=-1")).fd, null);
});

Deno.test("an error names the bad value, the flag and the reason", async () => {
  const range = (text: string, reason: string) => `invalid value "${text}" for flag -allow: ${reason}`;
  assertEquals(await message("--allow=notahost\u00f3"), range("notahost\u00f3", "lookup notahost\u00f3: no such host"));
  assertEquals(
    await message("-allow=localhost:a"),
    range("localhost:a", 'strconv.ParseUint: parsing "a": invalid syntax'),
  );
  assertEquals(await message("-user", "x"), 'invalid value "x" for flag -user: user: unknown user x');
  assertEquals(
    await message("-allow=localhost:0-b"),
    range("localhost:0-b", 'strconv.ParseUint: parsing "b": invalid syntax'),
  );
  assertEquals(
    await message("-allow=localhost:2-1"),
    range("localhost:2-1", "min port must be smaller equal than max"),
  );
  assertEquals(
    await message("-mtu=67"),
    `invalid value "67" for flag -mtu: value out of range: must be 0 or 68 to 65535`,
  );
  assertEquals(await message("-mtu=65536"), (await message("-mtu=67")).replace('"67"', '"65536"'));
  assertEquals(await message("-icmp=x"), `invalid value "x" for flag -icmp: must be one of local, auto, off`);
  assertEquals(
    await message("-L=80:x"),
    `invalid value "80:x" for flag -L: strconv.ParseUint: parsing "x": invalid syntax`,
  );
  assertEquals(await message("-R=sctp://80"), `invalid value "sctp://80" for flag -R: unknown network type "sctp"`);
  assertEquals(
    await message("-R=tcppp://80"),
    `invalid value "tcppp://80" for flag -R: network type "tcppp" is for local forwards only`,
  );
  assertEquals(await message("-dns-ttl=5"), `invalid value "5" for flag -dns-ttl: time: missing unit in duration "5"`);
  assertEquals(await message("-maxprocs=x"), `invalid value "x" for flag -maxprocs: parse error`);
  assertEquals(await message("-fd=x"), `invalid value "x" for flag -fd: parse error`);
  assertEquals(await message("-fd=-2"), `invalid value "-2" for flag -fd: value out of range`);
  for (const flag of ["ready-fd", "exit-fd"]) {
    const reason = "value out of range: must be 3 or more, as 0, 1 and 2 are the standard streams";
    for (const fd of ["0", "1", "2", "-2"]) {
      assertEquals(await message(`-${flag}`, fd), `invalid value "${fd}" for flag -${flag}: ${reason}`);
    }
  }
  assertEquals(await message("-source-ipv4=::1"), `invalid value "::1" for flag -source-ipv4: not an IPv4 address`);
  assertEquals(await message("-source-ipv6=x"), `invalid value "x" for flag -source-ipv6: lookup x: no such host`);
  assertEquals(
    await message("-m=udp://127.0.0.1:1"),
    `invalid value "udp://127.0.0.1:1" for flag -m: unknown network type "udp"`,
  );
  assertEquals(await message("-quiet=x"), `invalid boolean value "x" for -quiet: parse error`);
  assertEquals(await message("-interface"), "flag needs an argument: -interface");
});

Deno.test("-h prints the usage", async () => {
  const outcome = await parseOptions(["-h"], { resolve });
  assert(outcome.kind === "help");
  assertStringIncludes(outcome.usage, `  -interface string\n    \tinterface name within netns (default "tun0")\n`);
  assertStringIncludes(outcome.usage, "(default true)\n");
  assert(outcome.usage.startsWith("Usage of slirpnetstack:\n  -L value\n"), outcome.usage);
  assert(outcome.usage.endsWith("\n"));
});

Deno.test("a word after the flags is an error", async () => {
  for (const [words, unexpected] of [[["rum", "--", "x"], "rum"], [["-quiet", "run", "-version"], "run"]] as const) {
    const outcome = await parseOptions(words, { resolve });
    assert(outcome.kind === "error");
    assertEquals(outcome.message, `unexpected argument "${unexpected}"`, "message");
    assertEquals(outcome.unexpected, unexpected, "the word");
  }
  for (const [words, shown] of [[["--", "a\nb"], '"a\\nb"'], [[""], '""'], [["-"], '"-"']] as const) {
    const outcome = await parseOptions(words, { resolve });
    assert(outcome.kind === "error");
    assertEquals(outcome.message, `unexpected argument ${shown}`);
  }
  assertEquals((await parseOptions(["-quiet", "--"], { resolve })).kind, "options");
  assertEquals((await parseOptions(["-h", "rum"], { resolve })).kind, "help");
});

Deno.test("a name in -allow must not resolve to a never-routed address, unless it is the host's own; in -deny it may", async () => {
  const answers = new Map([["rebound.example", ["192.0.2.1", "::ffff:169.254.169.254"]], ["own.example", [
    "127.0.1.1",
  ]]]);
  const resolve = (name: string) => Promise.resolve(answers.get(name)!.map(IpAddress.parse));
  const own = { has: (name: string) => name === "own.example" };
  const refused = await parseOptions(["-allow", "192.0.2.9,udp://rebound.example:53"], { resolve, own });
  assert(refused.kind === "error");
  assertEquals(
    refused.message,
    'invalid value "192.0.2.9,udp://rebound.example:53" for flag -allow: lookup rebound.example: ' +
      "::ffff:169.254.169.254 is never routed; to allow it, write the address instead of the name",
  );
  for (const words of [["-allow=own.example:80"], ["-deny=rebound.example"], ["-allow=169.254.169.254"]]) {
    assertEquals((await parseOptions(words, { resolve, own })).kind, "options", words.join());
  }
});

Deno.test("run has defaults of its own, and flags that no other command has", async () => {
  const outcome = await parseRunOptions(["-user-keep", "-userns", "--", "sh", "-c", "true"], { resolve });
  assert(outcome.kind === "options", JSON.stringify(outcome));
  const { options, rest } = outcome;
  assertEquals(rest, ["sh", "-c", "true"]);
  assertEquals(options.keepUser, true, "-user-keep");
  assertEquals(options.userNamespace, true, "-userns");
  assertEquals(options.verbose, false, "-verbose");
  assertEquals(options.mtu, 65_520, "-mtu");
  assertEquals(options.dns, true, "-dns");
  assertEquals(options.icmp, "auto", "-icmp");
  assertEquals(options.sandbox, true, "-sandbox");
  const own = await parseRunOptions(["-mtu", "0"], { resolve });
  assertEquals(own.kind === "options" && own.options.mtu, 65_520, "-mtu 0");
  const foreign = await parseRunOptions(["-netns", "/x"], { resolve });
  assertEquals(foreign.kind === "error" && foreign.message, "flag provided but not defined: -netns");
});

Deno.test("every limit has a flag, which takes the values in its range", async () => {
  const rows = Object.entries(LIMITS);
  const words = rows.map(([name, { most }]) => `-${limitFlag(name)}=${most}`);
  assertEquals((await options(...words)).limits, Object.fromEntries(rows.map(([name, { most }]) => [name, most])));
  const reason = "value out of range: must be 1 to 60000";
  assertEquals(await message("-max-dials", "0"), `invalid value "0" for flag -max-dials: ${reason}`);
  assertEquals(await message("-max-dials", "60001"), `invalid value "60001" for flag -max-dials: ${reason}`);
  assertEquals(await message("-max-dials", "-1"), 'invalid value "-1" for flag -max-dials: parse error');
  assertEquals(await message("-max-dials", "many"), 'invalid value "many" for flag -max-dials: parse error');
});

Deno.test("run answers only for the names of -allow if routing is off, unless -dns is given", async () => {
  for (
    const [flags, expected] of [
      ["", "all"],
      ["-disable-routing", "allowed"],
      ["-enable-routing=false -enable-host", "allowed"],
      ["-disable-routing -dns", "all"],
      ["-dns=true -enable-routing=false", "all"],
      ["-enable-routing -dns", "all"],
    ] as const
  ) {
    const outcome = await parseRunOptions(flags.split(" ").filter((word) => word !== ""), { resolve });
    assertEquals(outcome.kind === "options" && outcome.options.dnsNames, expected, flags);
  }
});

Deno.test("-only turns routing off and -dns on, and the program answers pings, unless -icmp is given", async () => {
  const parse = async (...flags: string[]) => {
    const outcome = await parseRunOptions(flags, { resolve });
    assert(outcome.kind === "options", JSON.stringify(outcome));
    const { enableRouting, enableHost, dns, dnsNames, icmp, rules, only } = outcome.options;
    const shown = rules && [...rules.names, ...rules.addresses].map(({ text }) => text);
    return { enableRouting, enableHost, dns, dnsNames, icmp, shown, only: only.length };
  };
  const closed = { enableRouting: false, enableHost: false, dns: true, dnsNames: "ruled" as const };
  assertEquals(await parse("-only", "192.0.2.1:80,tcp://git.example:22", "-only=!udp://a.example:53"), {
    ...closed,
    icmp: "local",
    shown: ["tcp://git.example:22", "!udp://a.example:53", "192.0.2.1:80"],
    only: 3,
  });
  assertEquals(await parse("-only", ""), { ...closed, icmp: "local", shown: [], only: 0 }, "an empty list");
  assertEquals(await parse("-policy", "p.json", "-icmp=auto", "-enable-host"), {
    ...closed,
    enableHost: true,
    icmp: "auto",
    shown: [],
    only: 0,
  });
});

Deno.test("run: -api would let the command change its own rules", async () => {
  for (const flag of ["-only=", "-policy=p.json"]) {
    const outcome = await parseRunOptions([flag, "-api", "unix:///run/api"], { resolve });
    assert(outcome.kind === "error", flag);
    assertStringIncludes(outcome.message, "-api can't be given with -only or -policy");
  }
  assertEquals((await options("-only=", "-api", "unix:///run/api")).rules, { names: [], addresses: [] }, "attach");
});

Deno.test("-only is refused with flags that would open more, and without a name server", async () => {
  assertEquals(
    await message("-only", "", "-enable-routing"),
    "-enable-routing opens the internet, and -only nothing but its rules: give one of them",
  );
  assertEquals(
    await message("-policy=p", "-dns=false"),
    "-policy needs -dns: names are judged where they are asked for",
  );
  assertEquals(
    await message("-only", "tcp://a.example"),
    'invalid value "tcp://a.example" for flag -only: tcp:// and a name need a port',
  );
});

Deno.test("the runtime's sockets have no source address", async () => {
  assertEquals((await options("-sockets=deno")).sockets, "deno");
  for (const flag of ["-source-ipv4=192.0.2.1", "-source-ipv6=2001:db8::1"]) {
    const outcome = await parseOptions(["-sockets=deno", flag], { resolve, findUser });
    assert(outcome.kind === "error");
    const name = flag.slice(0, flag.indexOf("="));
    assertEquals(outcome.message, `${name} needs -sockets libc: the runtime cannot choose a source address`);
  }
});

Deno.test("-cidr moves the addresses on the link and the defaults of forwards, whatever its position", async () => {
  const { addresses, localForwards, remoteForwards } = await options(
    ...["-L", "8080", "-R", "5432", "-cidr", "10.0.135.128/25", "-L", "[::1]:80"],
  );
  assertEquals(`${addresses.gateway4}`, "10.0.135.130", "the gateway");
  assertEquals(`${addresses.dns4}`, "10.0.135.131", "the name server");
  assertEquals(`${addresses.guest4}`, "10.0.135.228", "the guest");
  assertEquals(`${addresses.broadcast4}`, "10.0.135.255", "the broadcast address");
  assertEquals(addresses.prefix4, 25, "the length of the prefix");
  assertEquals(`${addresses.guest6}`, "fd00::100", "the guest's IPv6 address");
  assertEquals(formatHost(localForwards[0].target.host), "10.0.135.228", "-L connects to the guest");
  assertEquals(formatHost(localForwards[1].target.host), "fd00::100", "-L over IPv6");
  assertEquals(formatHost(remoteForwards[0].bind.host), "10.0.135.130", "-R listens at the gateway");
});

Deno.test("-cidr: values that are not a network for a guest", async () => {
  const of = (text: string) => `invalid value "${text}" for flag -cidr: `;
  assertEquals(await message("-cidr", "10.0.2.0"), `${of("10.0.2.0")}not an IPv4 network such as 10.0.2.0/24`);
  assertEquals(await message("-cidr", "fd00::/64"), `${of("fd00::/64")}not an IPv4 network such as 10.0.2.0/24`);
  assertEquals(await message("-cidr", "127.0.0.0/8"), `${of("127.0.0.0/8")}not an IPv4 network such as 10.0.2.0/24`);
  assertEquals(await message("-cidr", "10.0.2.0/26"), `${of("10.0.2.0/26")}the length of the prefix must be 1 to 25`);
  assertEquals(await message("-cidr", "10.0.2.0/0"), `${of("10.0.2.0/0")}the length of the prefix must be 1 to 25`);
  assertEquals(
    await message("-cidr", "10.0.2.100/24"),
    `${of("10.0.2.100/24")}it has bits behind the prefix; the network is 10.0.2.0/24`,
  );
});

Deno.test("-cidr: a name of -allow must not resolve into the guest's network", async () => {
  const at = (address: string, ...args: string[]) =>
    parseOptions(args, { resolve: () => Promise.resolve([IpAddress.parse(address)]), findUser });
  const inside = await at("10.7.0.9", "-allow", "web.example", "-cidr", "10.7.0.0/16");
  assert(inside.kind === "error" && inside.message.includes("10.7.0.9 is never routed"), JSON.stringify(inside));
  const outside = await at("10.0.2.9", "-allow", "web.example", "-cidr", "10.7.0.0/16");
  assertEquals(outside.kind, "options", "10.0.2.9 is outside then");
});
