import { OWN_MANNER } from "../../../../forward/cli/flags/manner.ts";
import { type Options, parseOptions } from "../../../../forward/cli/flags/options.ts";
import { readSlirp4netns } from "../../../../forward/cli/slirp4netns/arguments.ts";
import { slirp4netnsBanner } from "../../../../forward/cli/slirp4netns/banner.ts";
import { translateSlirp4netns, type Translation } from "../../../../forward/cli/slirp4netns/translation.ts";
import { IpAddress, type IpVersion } from "../../../../stack/base/address.ts";
import { assert, assertEquals, assertStringIncludes } from "../../../assert.ts";

const INTERFACES: Readonly<Record<string, string>> = { "eth0 4": "192.0.2.7", "eth0 6": "2001:db8::7" };

async function translate(line: string): Promise<Translation> {
  const read = readSlirp4netns(line.split(" "), { version: "1", missing: () => null });
  assert(read.kind === "start", `${line}: ${JSON.stringify(read)}`);
  const parsed = await parseOptions([], { resolve: () => Promise.reject(new Error("a name")) });
  assert(parsed.kind === "options");
  return translateSlirp4netns(read.settings, read.target, {
    defaults: parsed.options,
    interfaceAddress: (name: string, version: IpVersion) => {
      const text = INTERFACES[`${name} ${version}`];
      return text === undefined ? null : IpAddress.parse(text);
    },
  });
}

async function options(line: string): Promise<Options> {
  const translation = await translate(line);
  assert(translation.kind === "options", `${line}: ${JSON.stringify(translation)}`);
  return translation.options;
}

async function error(line: string): Promise<string> {
  const translation = await translate(line);
  assert(translation.kind === "error", line);
  return translation.message;
}

Deno.test("slirp4netns: what every guest has", async () => {
  const all = await options("4711 tap0");
  const expected: Partial<Options> = {
    netns: "/proc/4711/ns/net",
    interface: "tap0",
    fd: null,
    bess: null,
    makeTap: true,
    configure: false,
    macAddress: null,
    mtu: 1500,
    enableRouting: true,
    enableHost: true,
    hostLoopback: true,
    dns: true,
    dnsNames: "all",
    dhcp: true,
    slaac: false,
    icmp: "auto",
    sourceIpv4: null,
    sourceIpv6: null,
    exitFd: null,
    readyFd: null,
    apiSocket: null,
    sandbox: false,
    quiet: true,
    user: null,
    allow: [],
    deny: [],
  };
  for (const [name, value] of Object.entries(expected)) assertEquals(all[name as keyof Options], value, name);
  const { manner } = all;
  assertEquals(manner.ipv6, false, "no IPv6");
  assertEquals(manner.asHost, true, "link-local addresses are open");
  assertEquals(manner.refusal, "network", "refused: network is unreachable");
  assertEquals(manner.brief, true, "no MTU by DHCP");
  assertEquals(manner.fixedIpv6, false, "no fixed IPv6 address");
  assertEquals(manner.leases?.map(String).at(0), "10.0.2.15", "the first lease");
  assertEquals(manner.leases?.map(String).at(-1), "10.0.2.30", "the last lease");
  assert(OWN_MANNER.ipv6 && !OWN_MANNER.asHost && !OWN_MANNER.brief, "nothing of it is this program's own manner");
});

Deno.test("slirp4netns: each option in this program's options", async () => {
  const rows: readonly (readonly [string, Partial<Options>])[] = [
    ["-c 1 tap0", { configure: true, makeTap: true }],
    ["-e 3 1 tap0", { exitFd: 3 }],
    ["-r 4 1 tap0", { readyFd: 4 }],
    ["-m 65520 1 tap0", { mtu: 65_520 }],
    ["-m 1 1 tap0", { mtu: 68 }],
    ["-6 1 tap0", { slaac: true }],
    ["--disable-host-loopback 1 tap0", { hostLoopback: false }],
    ["--netns-type=path /run/netns/guest tap1", { netns: "/run/netns/guest", interface: "tap1" }],
    ["--netns-type=tapfd 5", { fd: 5, netns: null, makeTap: false }],
    ["--target-type=bess /tmp/s", { bess: "/tmp/s", netns: null, makeTap: false }],
    ["--enable-sandbox 1 tap0", { sandbox: true }],
    ["--enable-seccomp 1 tap0", { sandbox: true }],
    ["--outbound-addr=192.0.2.9 1 tap0", { sourceIpv4: IpAddress.parse("192.0.2.9"), sourceIpv6: null }],
    ["--outbound-addr=eth0 1 tap0", { sourceIpv4: IpAddress.parse("192.0.2.7") }],
    ["--outbound-addr6=2001:db8::9 1 tap0", { sourceIpv6: IpAddress.parse("2001:db8::9"), sourceIpv4: null }],
    ["--outbound-addr6=eth0 1 tap0", { sourceIpv6: IpAddress.parse("2001:db8::7"), sourceIpv4: null }],
    ["-a /tmp/s 1 tap0", { apiSocket: "/tmp/s" }],
    ["--disable-dns 1 tap0", { dns: false }],
    ["-c --macaddress=52:54:0:12:34:56 1 tap0", { macAddress: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56) }],
  ];
  for (const [line, expected] of rows) {
    const all = await options(line);
    for (const [name, value] of Object.entries(expected)) {
      assertEquals(`${all[name as keyof Options]}`, `${value}`, `${line}: ${name}`);
    }
  }
  assertEquals((await options("-6 1 tap0")).manner.ipv6, true, "-6: IPv6");
});

Deno.test("slirp4netns: addresses by --cidr, and those that are the same in all networks", async () => {
  const { addresses, manner } = await options("--cidr 10.0.135.128/25 1 tap0");
  assertEquals(`${addresses.gateway4}`, "10.0.135.130", "+2");
  assertEquals(`${addresses.dns4}`, "10.0.135.131", "+3");
  assertEquals(`${addresses.guest4}`, "10.0.135.228", "+100");
  assertEquals(`${manner.leases?.at(0)}`, "10.0.135.143", "+15");
  assertEquals(`${manner.leases?.at(-1)}`, "10.0.135.158", "+30");
  assertEquals(manner.leases?.length, 16, "leases");
  assertEquals([...addresses.mac], [0x52, 0x55, 10, 0, 135, 130], "the gateway's hardware address");
  assertEquals(`${addresses.linkLocal6}`, "fe80::2", "the router");
  assertEquals(`${addresses.gateway6} ${addresses.dns6}`, "fd00::2 fd00::3", "IPv6");
});

Deno.test("slirp4netns: mistakes that end the start without the usage", async () => {
  assertEquals(await error("--cidr foo 1 tap0"), "invalid CIDR: foo");
  assertEquals(await error("--cidr 10.0.2.0/26 1 tap0"), "prefix length needs to be 1-25");
  assertEquals(await error("--cidr 10.0.2.4/26 1 tap0"), "prefix length needs to be 1-25", "checked first");
  assertEquals(
    await error("--cidr 10.0.2.100/24 1 tap0"),
    "CIDR needs to be a network address like 10.0.2.0/24, not like 10.0.2.100/24",
  );
  assertStringIncludes(await error(`-a /${"a".repeat(107)} 1 tap0`), "too long", "108 bytes");
  assertEquals((await translate(`-a /${"a".repeat(106)} 1 tap0`)).kind, "options", "107 bytes");
  assertStringIncludes(await error("--outbound-addr=2001:db8::1 1 tap0"), "outbound-addr has to be valid ipv4 address");
  assertStringIncludes(await error("--outbound-addr=eth9 1 tap0"), "or interface name");
  assertStringIncludes(await error("--outbound-addr6=192.0.2.1 1 tap0"), "outbound-addr6 has to be valid ipv6 address");
  assertStringIncludes(await error("-c --macaddress=52:54 1 tap0"), "--macaddress 52:54: not a MAC address");
});

Deno.test("slirp4netns: the lines that it prints at its start", async () => {
  const translation = await translate("--cidr 10.0.135.128/25 --outbound-addr 192.0.2.9 -m 65520 -a /tmp/s 1 tap0");
  assert(translation.kind === "options");
  assertEquals(slirp4netnsBanner(translation.options, translation.network).split("\n"), [
    "Starting slirp",
    "* MTU:             65520",
    "* Network:         10.0.135.128",
    "* Netmask:         255.255.255.128",
    "* Gateway:         10.0.135.130",
    "* DNS:             10.0.135.131",
    "* DHCP begin:      10.0.135.143",
    "* DHCP end:        10.0.135.158",
    "* Recommended IP:  10.0.135.228",
    "* API Socket:      /tmp/s",
    "* Outbound IPv4:   192.0.2.9",
    "WARNING: the guest reaches the host's 127.0.0.1 at 10.0.135.130, unless --disable-host-loopback is given",
    "",
  ]);
  const closed = await translate("--disable-host-loopback 1 tap0");
  assert(closed.kind === "options");
  assert(!slirp4netnsBanner(closed.options, closed.network).includes("WARNING"), "no warning");
});
