import { assertEquals } from "../../assert.ts";
import { EndReasons, EndReport, EOF } from "../../../forward/report/end_report.ts";
import * as lines from "../../../forward/report/contract_lines.ts";
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";

function at(address: string, port: number): Endpoint {
  return { address: IpAddress.parse(address), port };
}

function good(): EndReport {
  const report = new EndReport();
  report.record("l-read", EOF);
  report.record("r-read", EOF);
  return report;
}

function refused(): EndReport {
  const report = new EndReport();
  report.record("r-read", EndReasons.REFUSED);
  return report;
}

Deno.test("start and end", () => {
  assertEquals(lines.joiningNetns("/proc/7/ns/net"), "[.] Joininig netns /proc/7/ns/net");
  assertEquals(lines.openingInterface("tun0"), "[.] Opening tun interface tun0");
  assertEquals(lines.runningMetrics(7, "127.0.0.1:80"), "[ ] #7 Running metrics on 127.0.0.1:80");
  assertEquals(lines.started(7), "[+] #7 Slirpnetstack started");
  assertEquals(lines.closing(7), "[-] #7 Slirpnetstack closing");
});

Deno.test("fatal errors and their statuses", () => {
  assertEquals(lines.metricsFailed("in use"), "[!] Failed to start metrics: in use");
  assertEquals(lines.deviceFailed("no\nsuch device\n"), "Failed to open TUN/TAP: no such device");
  assertEquals(lines.guestFailed("no\ntun"), "[!] Failed to make the guest: no tun");
  assertEquals(lines.commandFailed("ls", "Permission denied"), "[!] Failed to run ls: Permission denied");
  assertEquals(lines.fdAndNetns(), "Please specify either -fd or -netns");
  assertEquals(lines.pcapFailed("denied"), "[!] Failed to open PCAP file: denied");
  assertEquals(
    lines.listenFailed("tcp", "127.0.0.1:80", "in use"),
    "[!] Failed to listen on tcp://127.0.0.1:80: in use",
  );
  assertEquals(lines.listenFailed("udp", "[::1]:80", "in use"), "[!] Failed to listen on udp://[::1]:80: in use");
  assertEquals(
    lines.bindUnresolved("tcp", 'Failed to lookup SRV "web" on "127.0.0.1:1"'),
    '[!] Failed to resolve bind address. dns lookup error of tcp addr: Failed to lookup SRV "web" on "127.0.0.1:1"',
  );
  assertEquals({ ...lines.ExitStatus }, {
    OK: 0,
    FAILURE: 1,
    BAD_FLAGS: 2,
    NOT_EXECUTABLE: 126,
    NOT_FOUND: 127,
    REMOTE_FORWARD: 246,
    LOCAL_FORWARD: 247,
    PCAP: 250,
    FD_AND_NETNS: 252,
    DEVICE: 253,
    METRICS: 254,
  });
});

Deno.test("forwards", () => {
  const listener = at("127.0.0.1", 8080);
  assertEquals(lines.localListen("tcp", listener, false), "[+] local-fwd Local listen tcp://127.0.0.1:8080");
  assertEquals(lines.localListen("udp", at("::1", 8080), true), "[+] local-fwd Local PP listen udp://[::1]:8080");
  assertEquals(
    lines.remoteAccepting("udp", at("10.0.2.2", 53)),
    "[+] Accepting on remote side udp://10.0.2.2:53",
  );
  assertEquals(lines.remoteAccepting("udp", at("fd00::2", 53)), "[+] Accepting on remote side udp://fd00::2:53");
});

Deno.test("routed connections", () => {
  const four = {
    network: "tcp",
    guest: at("10.0.2.100", 40000),
    hostLocal: at("192.0.2.2", 50000),
    hostRemote: at("192.0.2.9", 80),
  } as const;
  assertEquals(
    lines.routingNew(four),
    "[+] tcp://10.0.2.100:40000/192.0.2.2:50000-192.0.2.9:80 Routing conn new",
  );
  assertEquals(
    lines.routingDone(four, good()),
    "[-] tcp://10.0.2.100:40000/192.0.2.2:50000-192.0.2.9:80 Routing conn done: l=[EOF]/0 r=EOF/0",
  );
  const six = {
    network: "udp",
    guest: at("fd00::100", 1),
    hostLocal: at("2001:db8::2", 2),
    hostRemote: at("2001:db8::9", 3),
  } as const;
  assertEquals(
    lines.routingNew(six),
    "[+] udp://[fd00::100]:1/[2001:db8::2]:2-[2001:db8::9]:3 Routing conn new",
  );
  assertEquals(
    lines.routingError("tcp", four.guest, four.hostRemote, refused()),
    "[!] tcp://10.0.2.100:40000/192.0.2.9:80 Routing conn error: l=0/0 r=[connection refused]/0",
  );
});

Deno.test("connections to a remote forward", () => {
  const ends = {
    network: "tcp",
    guest: at("10.0.2.100", 40000),
    guestDestination: at("10.0.2.2", 2222),
    hostLocal: at("127.0.0.1", 50000),
    hostRemote: at("127.0.0.1", 80),
  } as const;
  const who = "tcp://10.0.2.100:40000-10.0.2.2:2222";
  assertEquals(
    lines.remoteForwardNew(ends),
    `[+] ${who}/127.0.0.1:50000-127.0.0.1:80 remote-fwd conn new`,
  );
  assertEquals(
    lines.remoteForwardDone(ends, good()),
    `[-] ${who}/127.0.0.1:50000-127.0.0.1:80 remote-fwd conn done: l=[EOF]/0 r=EOF/0`,
  );
  assertEquals(
    lines.remoteForwardError(ends, ends.hostRemote, refused()),
    `[!] ${who}/127.0.0.1:80 remote-fwd conn error: l=0/0 r=[connection refused]/0`,
  );
  assertEquals(
    lines.remoteForwardUnresolved(ends, "web.example@srv-1", 'Failed to lookup SRV "web.example" on "127.0.0.1:1"'),
    `[!] ${who}/web.example@srv-1-failed remote-fwd dns lookup error of tcp addr: ` +
      'Failed to lookup SRV "web.example" on "127.0.0.1:1"',
  );
});

Deno.test("connections to a local forward", () => {
  const ends = {
    network: "udp",
    client: at("::1", 40000),
    listener: at("::1", 8080),
    guestLocal: at("fd00::2", 50000),
    target: at("fd00::100", 80),
    proxyProtocol: false,
  } as const;
  const who = "udp://[::1]:40000-[::1]:8080";
  const all = `${who}/[fd00::2]:50000-[fd00::100]:80`;
  assertEquals(lines.localForwardNew(ends), `[+] ${all} local-fwd conn`);
  assertEquals(lines.localForwardDone(ends, good()), `[-] ${all} local-fwd done: l=[EOF]/0 r=EOF/0`);
  assertEquals(
    lines.localForwardError(ends, "[fd00::100]:80", refused()),
    `[!] ${who}/[fd00::100]:80 local-fwd error: l=0/0 r=[connection refused]/0`,
  );
  const proxied = { ...ends, proxyProtocol: true };
  assertEquals(lines.localForwardNew(proxied), `[+] ${all} local-fwd PP conn`);
  assertEquals(lines.localForwardDone(proxied, good()), `[-] ${all} local-fwd PP done: l=[EOF]/0 r=EOF/0`);
  assertEquals(
    lines.localForwardError(proxied, "[fd00::100]:80", { text: "no PROXY header", outcome: "other" }),
    `[!] ${who}/[fd00::100]:80 local-fwd PP error: no PROXY header`,
  );
});
