import { type PastaArguments, type PastaSettings, readPasta } from "../../../../forward/cli/pasta/arguments.ts";
import { assert, assertEquals, assertMatch } from "../../../assert.ts";

function read(line: string): PastaArguments {
  return readPasta(line.split(" "), "1.2.3");
}

function settings(line: string): PastaSettings {
  const found = read(`${line} 1`);
  assert(found.kind === "start", `${line}: ${JSON.stringify(found)}`);
  return found.settings;
}

Deno.test("pasta: each option as a setting", () => {
  const rows: readonly (readonly [string, (settings: PastaSettings) => unknown, unknown])[] = [
    ["--config-net", (s) => s.configNet, true],
    ["-q -f -e", (s) => s.foreground, true],
    ["--no-netns-quit", (s) => s.quitWithNetns, false],
    ["-I tap0", (s) => s.nsIfname, "tap0"],
    ["--interface=eth1", (s) => s.interface, "eth1"],
    ["-a 10.0.2.100 -a 2001:db8::1", (s) => `${s.address[4]} ${s.address[6]}`, "10.0.2.100 2001:db8::1"],
    ["-n 24", (s) => s.netmask, 24],
    ["--netmask 255.255.240.0", (s) => s.netmask, 20],
    ["-g 10.0.2.2", (s) => `${s.gateway[4]} ${s.gateway[6]}`, "10.0.2.2 null"],
    ["--ns-mac-addr 52:54:00:12:34:56", (s) => s.macAddress?.[5], 0x56],
    ["--config-net", (s) => s.mtu, 65_520],
    ["-m 1500", (s) => s.mtu, 1500],
    ["-m 0", (s) => s.mtu, 65_520],
    ["-4", (s) => `${s.ipv4} ${s.ipv6}`, "true false"],
    ["-6", (s) => `${s.ipv4} ${s.ipv6}`, "false true"],
    ["--dns-forward 169.254.1.1", (s) => String(s.dnsForward[4]), "169.254.1.1"],
    ["--map-guest-addr 169.254.1.2", (s) => String(s.mapGuestAddr[4]), "169.254.1.2"],
    ["--map-host-loopback none", (s) => s.mapHostLoopback, "none"],
    ["--no-map-gw", (s) => s.mapGateway, false],
    ["--no-map-gw --map-gw", (s) => s.mapGateway, true],
    ["-t 1 -t 2 -u 3", (s) => `${s.tcpPorts.length} ${s.udpPorts.length}`, "2 1"],
    ["-T none -U none", (s) => s.tcpPorts.length, 0],
    ["-o 192.0.2.7", (s) => String(s.outbound[4]), "192.0.2.7"],
    ["--no-dhcp", (s) => s.dhcp, false],
    ["-p file", (s) => s.pcap, "file"],
    ["-P file", (s) => s.pidFile, "file"],
  ];
  for (const [line, value, expected] of rows) assertEquals(value(settings(line)), expected, line);
});

Deno.test("pasta: the guest's namespace", () => {
  for (
    const [line, path] of [
      ["4711", "/proc/4711/ns/net"],
      ["--netns /run/user/1/netns/x", "/run/user/1/netns/x"],
      ["--netns x", "/run/netns/x"],
      ["--userns=/proc/7/ns/user --netns=/state/netns", "/state/netns"],
    ]
  ) {
    const found = read(line);
    assert(found.kind === "start", line);
    assertEquals(found.path, path, line);
  }
});

Deno.test("pasta: mistakes, each with status 1", () => {
  for (
    const [line, message] of [
      ["--bogus 1", /^pasta: unrecognized option '--bogus'\nUsage: /],
      ["--conf-path=/x --version", /^pasta: unrecognized option '--conf-path=\/x'\n/],
      ["-t", /^pasta: option requires an argument -- 't'\n/],
      ["-t x 1", /^Invalid port specifier x\n$/],
      ["-T 80 1", /^--tcp-ns 80: only none is supported\n$/],
      ["-a nowhere 1", /^Invalid --address: nowhere\n$/],
      ["-n 33 1", /^Invalid netmask: 33\n$/],
      ["-n 255.0.255.0 1", /^Invalid netmask/],
      ["-m 67 1", /^Invalid MTU: 67\n$/],
      ["-m 65521 1", /^Invalid MTU/],
      ["-I a/b 1", /^Invalid interface name/],
      ["--netns x 1", /^Both --netns and PID/],
      ["--config-net", /^pasta needs a PID or --netns/],
      ["sh -c true", /option|needs a PID/],
    ] as const
  ) {
    const found = read(line);
    assert(found.kind === "end", line);
    assertEquals(found.status, 1, line);
    assertMatch(found.stderr, message, line);
    assertEquals(found.stdout, "", line);
  }
});

Deno.test("pasta: help and version", () => {
  const help = read("-h"), version = read("--version");
  assert(help.kind === "end" && version.kind === "end");
  assertEquals(help.status, 0, "help");
  for (const option of ["--config-net", "--netns", "--map-guest-addr", "--dns-forward", "--tcp-ports"]) {
    assert(help.stdout.includes(option), option);
  }
  assert(help.stdout.split("\n").every((line) => line.length <= 110), "no long line");
  assertEquals(`${version.status} ${version.stdout}`, "0 pasta slirpnetstack 1.2.3\n");
});
