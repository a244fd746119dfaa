import { assertEquals, assertThrows } from "../../assert.ts";
import { parseFibTrie, parseIfInet6, parseIpv6Route, parseRoute } from "../../../forward/policy/proc_net.ts";
import type { Prefix } from "../../../forward/addresses/prefix.ts";

// The long texts below are what Linux 6.18 showed.

const shown = (prefixes: Prefix[]) => prefixes.map(String);

const ROUTE_HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT" +
  "                                                       \n";

Deno.test("route: a machine with one network", () => {
  const text = ROUTE_HEADER +
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0                              \n" +
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0                              \n";
  assertEquals(shown(parseRoute(text)), ["192.0.2.0/24"]);
});

Deno.test("route: gateways, host routes, odd lengths; no blackhole or unreachable routes, and no route that is down", () => {
  const text = ROUTE_HEADER +
    "d0\t00000000\t0907A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0      \n" +
    "d0\t0505050A\t0907A8C0\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0      \n" +
    "d0\t0000090A\t0907A8C0\t0003\t0\t0\t100\t0000FFFF\t1500\t0\t0      \n" +
    "d0\t000010AC\t00000000\t0001\t0\t0\t0\t0000F0FF\t0\t0\t0      \n" +
    "d0\t00000080\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0      \n" +
    "*\t0000420A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0       \n" +
    "*\t0000430A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0       \n" +
    "d1\t0000440A\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0       \n";
  assertEquals(shown(parseRoute(text)), ["10.5.5.5/32", "10.9.0.0/16", "172.16.0.0/12"]);
});

/** A line of /proc/net/route: an address and a mask as they are there, in hexadecimal, the least significant byte first. */
const routeLine = (address: string, mask: string) =>
  `tun7\t${address}\t0907A8C0\t0003\t0\t0\t0\t${mask}\t0\t0\t0      \n`;

Deno.test("route: a VPN's substitute for a default route counts as one; a route that may be a network does not", () => {
  const vpn = [
    ...[["00000000", "00000080"], ["00000080", "00000080"]], // 0.0.0.0/1, 128.0.0.0/1
    ...[["00000040", "000000C0"], ["000000C0", "000000C0"]], // 64.0.0.0/2, 192.0.0.0/2
    ...[["00000008", "000000FE"], ["0000000C", "000000FC"]], // 8.0.0.0/7, 12.0.0.0/6
  ] as const;
  for (const [address, mask] of vpn) {
    assertEquals(shown(parseRoute(ROUTE_HEADER + routeLine(address, mask))), [], `${address} ${mask}`);
  }
  const networks = [["0000000A", "000000FF"], ["000000E0", "000000F0"], ["000000F0", "000000F0"]] as const;
  assertEquals(
    networks.map(([address, mask]) => shown(parseRoute(ROUTE_HEADER + routeLine(address, mask)))[0]),
    ["10.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"],
  );
});

Deno.test("fib_trie: short routes are default routes, except those to the host itself", () => {
  const text = `Main:
     |-- 0.0.0.0
        /1 universe UNICAST
     |-- 128.0.0.0
        /1 universe UNICAST
        /2 host LOCAL
     |-- 10.0.0.0
        /8 universe UNICAST
`;
  assertEquals(shown(parseFibTrie(text)), ["128.0.0.0/2", "10.0.0.0/8"]);
});

Deno.test("route: an empty table has no header", () => {
  assertEquals(parseRoute(""), []);
  assertEquals(parseRoute(ROUTE_HEADER), []);
});

Deno.test("route: an unexpected form is an error", () => {
  for (
    const line of [
      "eth0",
      "eth0\t0007A8C\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
      "eth0\t0007A8C0\t00000000\t0001\t0\t0\t0\t00FF00FF\t0\t0\t0",
      "eth0\t0007A8C0\t00000000\t0001\t0\t0\t0",
    ]
  ) assertThrows(() => parseRoute(`${ROUTE_HEADER}${line}\n`), SyntaxError, "/proc/net/route");
});

Deno.test("fib_trie: all tables, addresses and networks, without default and refusing routes", () => {
  const text = `Id 100:
  +-- 0.0.0.0/0 2 0 2
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 172.20.0.0
        /14 universe UNICAST
Main:
  +-- 0.0.0.0/0 3 0 6
     +-- 0.0.0.0/4 2 0 2
        |-- 0.0.0.0
           /0 universe UNICAST
        +-- 10.0.0.0/9 2 0 2
           +-- 10.0.0.0/12 2 0 2
              |-- 10.5.5.5
                 /32 universe UNICAST
              |-- 10.9.0.0
                 /16 universe UNICAST
           |-- 10.66.0.0
              /16 universe BLACKHOLE
           |-- 10.67.0.0
              /16 universe UNREACHABLE
           |-- 10.68.0.0
              /16 universe PROHIBIT
     |-- 192.168.7.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 2 0 2
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 192.168.7.0/24 2 0 2
        |-- 192.168.7.1
           /32 host LOCAL
        |-- 192.168.7.255
           /32 link BROADCAST
`;
  assertEquals(shown(parseFibTrie(text)), [
    "172.20.0.0/14",
    "10.5.5.5/32",
    "10.9.0.0/16",
    "192.168.7.0/24",
    "127.0.0.0/8",
    "127.0.0.1/32",
    "127.255.255.255/32",
    "192.168.7.1/32",
    "192.168.7.255/32",
  ]);
});

Deno.test("fib_trie: a leaf may have several routes, and a route a type of service", () => {
  const text = `Main:
     |-- 10.0.0.0
        /8 universe UNICAST tos=16
        /16 link UNICAST
        /24 universe THROW
        /0 universe UNICAST
`;
  assertEquals(shown(parseFibTrie(text)), ["10.0.0.0/8", "10.0.0.0/16"]);
});

Deno.test("fib_trie: a host without addresses has no tables", () => {
  assertEquals(parseFibTrie(""), []);
});

Deno.test("fib_trie: an unexpected form is an error", () => {
  for (
    const text of [
      "Main\n",
      "Main:\n        /8 universe UNICAST\n",
      "Main:\n     |-- 10.0.0\n",
      "Main:\n     |-- 10.0.0.0\n        /33 universe UNICAST\n",
      "Main:\n     |-- 10.0.0.0\n        /x universe UNICAST\n",
    ]
  ) assertThrows(() => parseFibTrie(text), SyntaxError, "/proc/net/fib_trie");
});

const NONE = "00000000000000000000000000000000";

Deno.test("ipv6_route: all tables, addresses and networks, without default and refusing routes", () => {
  const text = [
    `fdaa0000000000000000000000000000 30 ${NONE} 00 ${NONE} 00000400 00000001 00000000 00000001       d0`,
    `${NONE} 00 ${NONE} 00 ${NONE} ffffffff 00000001 00000000 00200200       lo`,
    `fd880000000000000000000000000000 20 ${NONE} 00 fd770000000000000000000000000009 00000400 00000001 00000000 00000003       d0`,
    `${NONE} 00 ${NONE} 00 fd770000000000000000000000000009 00000400 00000001 00000000 00000003       d0`,
    `fd990000000000000000000000000000 20 ${NONE} 00 ${NONE} 00000400 00000002 00000000 00200200       lo`,
    `fd9b0000000000000000000000000000 20 ${NONE} 00 ${NONE} 00000400 00000002 00000000 00000000       d1`,
    `00000000000000000000000000000001 80 ${NONE} 00 ${NONE} 00000000 00000002 00000000 80200001       lo`,
    `ff000000000000000000000000000000 08 ${NONE} 00 ${NONE} 00000100 00000002 00000000 00000001       d0`,
    "",
  ].join("\n");
  assertEquals(shown(parseIpv6Route(text)), ["fdaa::/48", "fd88::/32", "::1/128", "ff00::/8"]);
  assertEquals(parseIpv6Route(""), []);
});

Deno.test("ipv6_route: short routes are default routes, except those to the host itself", () => {
  const line = (first: string, length: string, flags = "00000003") =>
    `${first.padEnd(32, "0")} ${length} ${NONE} 00 ${NONE} 00000400 00000001 00000000 ${flags}     tun7`;
  for (
    const [first, length] of [["2", "03"], ["", "01"], ["8", "01"], ["2", "04"], ["3", "04"], ["20", "06"]] as const
  ) {
    assertEquals(shown(parseIpv6Route(line(first, length))), [], `${first} ${length}`);
  }
  assertEquals(shown(parseIpv6Route(line("fc", "07"))), ["fc00::/7"]);
  assertEquals(shown(parseIpv6Route(line("2001", "20"))), ["2001::/32"]);
  assertEquals(shown(parseIpv6Route(line("2", "03", "80200001"))), ["2000::/3"], "local");
});

Deno.test("ipv6_route: an unexpected form is an error", () => {
  for (
    const line of [
      "fdaa 30",
      `fdaa0000000000000000000000000000 81 ${NONE} 00 ${NONE} 00000400 00000001 00000000 00000001       d0`,
      `fdaa0000000000000000000000000000 30 ${NONE} 00 ${NONE} 00000400 00000001 00000000`,
    ]
  ) assertThrows(() => parseIpv6Route(line), SyntaxError, "/proc/net/ipv6_route");
});

Deno.test("if_inet6: addresses without their networks", () => {
  const text = `fd770000000000000000000000000001 03 40 00 82       d0
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000e4ffc3fffeffba4b 1f3 40 20 c0       d0
`;
  assertEquals(shown(parseIfInet6(text)), ["fd77::1/128", "::1/128", "fe80::e4ff:c3ff:feff:ba4b/128"]);
  assertEquals(parseIfInet6(""), []);
  assertThrows(() => parseIfInet6("fd77::1 03 40 00 82 d0\n"), SyntaxError, "/proc/net/if_inet6");
});
