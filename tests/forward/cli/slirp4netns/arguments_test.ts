import {
  readSlirp4netns,
  type Slirp4netnsSettings,
  type Slirp4netnsTarget,
} from "../../../../forward/cli/slirp4netns/arguments.ts";
import { slirp4netnsUsage, slirp4netnsVersion } from "../../../../forward/cli/slirp4netns/option_table.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../../assert.ts";

/** Only these paths exist. */
const PATHS = ["/run/netns/guest", "/proc/7/ns/user"];
const CONTEXT = {
  version: "9.9.9",
  missing: (path: string) => PATHS.includes(path) ? null : "No such file or directory",
};

function read(line: string) {
  return readSlirp4netns(line === "" ? [] : line.split(" "), CONTEXT);
}

function started(line: string): { settings: Slirp4netnsSettings; target: Slirp4netnsTarget; stdout: string } {
  const outcome = read(line);
  assert(outcome.kind === "start", `${line}: ${JSON.stringify(outcome)}`);
  return outcome;
}

/** The message of a command line that is wrong: then the usage is on stdout, and the status 1. */
function refused(line: string): string {
  const outcome = read(line);
  assert(outcome.kind === "end", line);
  assertEquals(outcome.status, 1, `${line}: status`);
  assert(outcome.stdout.endsWith(slirp4netnsUsage()), `${line}: the usage on stdout`);
  return outcome.stderr.replace(/\n$/, "");
}

Deno.test("slirp4netns: what each option sets", () => {
  const rows: readonly (readonly [string, Partial<Slirp4netnsSettings>])[] = [
    ["", {}],
    ["-c", { configure: true }],
    ["--configure", { configure: true }],
    ["-e 3", { exitFd: 3 }],
    ["--exit-fd=0", { exitFd: 0 }],
    ["-r 4", { readyFd: 4 }],
    ["--ready-fd 4", { readyFd: 4 }],
    ["-m 65520", { mtu: 65_520 }],
    ["--mtu=1", { mtu: 1 }],
    ["--mtu 1400 -m65521", { mtu: 65_521 }],
    ["-6", { enableIpv6: true }],
    ["--enable-ipv6", { enableIpv6: true }],
    ["-a /tmp/s", { apiSocket: "/tmp/s" }],
    ["--api-socket /tmp/s", { apiSocket: "/tmp/s" }],
    ["--cidr 10.0.3.0/24", { cidr: "10.0.3.0/24" }],
    ["--disable-host-loopback", { disableHostLoopback: true }],
    ["--no-host-loopback", { disableHostLoopback: true }],
    ["--netns-type pid", { netnsType: "pid" }],
    ["--userns-path=/proc/7/ns/user", { usernsPath: "/proc/7/ns/user" }],
    ["--enable-sandbox", { enableSandbox: true }],
    ["--create-sandbox", { enableSandbox: true }],
    ["--enable-seccomp", { enableSandbox: true }],
    ["--outbound-addr=192.0.2.1", { outboundAddr: "192.0.2.1" }],
    ["--outbound-addr6=eth0", { outboundAddr6: "eth0" }],
    ["--disable-dns", { disableDns: true }],
    ["-c --macaddress 52:54:00:12:34:56", { configure: true, macAddress: "52:54:00:12:34:56" }],
    ["--target-type=netns", { bess: false }],
    ["-c6r3", { configure: true, enableIpv6: true, readyFd: 3 }],
  ];
  const plain = started("4711 tap0").settings;
  for (const [options, change] of rows) {
    const { settings, target } = started(`4711 ${options} tap0`.replace("  ", " "));
    assertEquals(settings, { ...plain, ...change }, options);
    assertEquals(target, { kind: "pid", pid: 4711, tap: "tap0" }, options);
  }
});

Deno.test("slirp4netns: the guest that the words name", () => {
  const rows: readonly (readonly [string, Slirp4netnsTarget])[] = [
    ["4711 tap0", { kind: "pid", pid: 4711, tap: "tap0" }],
    ["--netns-type=path /run/netns/guest tap0", { kind: "path", path: "/run/netns/guest", tap: "tap0" }],
    ["--netns-type=anything /run/netns/guest tap0", { kind: "path", path: "/run/netns/guest", tap: "tap0" }],
    ["--netns-type=tapfd 5", { kind: "tapfd", fd: 5 }],
    ["--netns-type=tapfd 5 tap0", { kind: "tapfd", fd: 5 }],
    ["--target-type=bess /tmp/bess.sock", { kind: "bess", path: "/tmp/bess.sock" }],
  ];
  for (const [line, target] of rows) assertEquals(started(line).target, target, line);
  assertStringIncludes(started("4711 tap0 more").stdout, "more", "further words are a warning");
});

Deno.test("slirp4netns: mistakes", () => {
  const rows: readonly (readonly [line: string, message: string])[] = [
    ["", ""],
    ["4711", ""],
    ["abc tap0", "PID must be a positive integer"],
    ["0 tap0", "PID must be a positive integer"],
    ["-e x 1 tap0", "exit-fd must be a non-negative integer"],
    ["-r -1 1 tap0", "ready-fd must be a non-negative integer"],
    ["-m 0 1 tap0", "MTU must be a positive integer (< 65522)"],
    ["-m 65522 1 tap0", "MTU must be a positive integer (< 65522)"],
    ["-m 1x 1 tap0", "MTU must be a positive integer (< 65522)"],
    ["--userns-path=/nonexistent 1 tap0", "userns path doesn't exist: /nonexistent"],
    [
      "--netns-type=path /nonexistent tap0",
      "existing path expected when --netns-type=path: No such file or directory",
    ],
    [
      "--macaddress=52:54:00:12:34:56 1 tap0",
      "--macaddr cannot be specified when --configure or -c is not specified",
    ],
    ["--target-type=foo 1 tap0", '--target-type must be either "netns" or "bess"'],
    ["--target-type=bess -c /tmp/s", "--configure conflicts with --target-type=bess"],
    ["--target-type=bess --netns-type=path /tmp/s", "--netns-type conflicts with --target-type=bess"],
    ["--target-type=bess --userns-path=/proc/7/ns/user /tmp/s", "--userns-path conflicts with --target-type=bess"],
    ["--target-type=bess /tmp/s tap0", "too many arguments"],
    ["--bogus 1 tap0", "slirp4netns: unrecognized option '--bogus'"],
    ["1 tap0 -x", "slirp4netns: invalid option -- 'x'"],
    ["1 tap0 --mtu", "slirp4netns: option '--mtu' requires an argument"],
  ];
  for (const [line, message] of rows) assertEquals(refused(line), message, line);
});

Deno.test("slirp4netns: help and version act when they are met", () => {
  for (const line of ["-h", "--help", "-c --help", "-h -m 0", "--he"]) {
    assertEquals(read(line), { kind: "end", status: 0, stdout: slirp4netnsUsage(), stderr: "" }, line);
  }
  assertEquals(refused("-m 0 -h"), "MTU must be a positive integer (< 65522)", "an earlier error wins");
  assertEquals(read("-v"), { kind: "end", status: 0, stdout: slirp4netnsVersion("9.9.9"), stderr: "" });
});

Deno.test("slirp4netns: callers find in help and version what they look for", () => {
  const usage = slirp4netnsUsage();
  for (
    const option of [
      ...["disable-host-loopback", "mtu", "enable-sandbox", "enable-seccomp", "cidr", "outbound-addr", "enable-ipv6"],
      ...["netns-type", "api-socket", "userns-path", "configure", "exit-fd", "ready-fd", "disable-dns", "macaddress"],
      ...["outbound-addr6", "target-type", "help", "version"],
    ]
  ) assertMatch(usage, new RegExp(`--${option}\\b`), option);
  assert(!usage.includes("--no-host-loopback") && !usage.includes("--create-sandbox"), "older names");
  const level = /^SLIRP_CONFIG_VERSION_MAX: (\d+)$/m.exec(slirp4netnsVersion("1.2.3"))?.[1];
  assert(Number(level) >= 3, `SLIRP_CONFIG_VERSION_MAX: ${level}`);
  assertMatch(slirp4netnsVersion("1.2.3"), /^slirp4netns version \d+\.\d+\.\d+\nslirpnetstack: 1\.2\.3\n/);
});

Deno.test("slirp4netns: warnings, on stdout", () => {
  for (
    const [option, text] of [
      ["-6", "experimental"],
      ["--enable-seccomp", "experimental"],
      ["--outbound-addr=192.0.2.1", "experimental"],
      ["--outbound-addr6=2001:db8::1", "experimental"],
      ["--no-host-loopback", "--disable-host-loopback"],
      ["--create-sandbox", "--enable-sandbox"],
    ]
  ) assertMatch(started(`${option} 1 tap0`).stdout, new RegExp(`^WARNING: .*${text}.*\n$`), option);
  assertEquals(started("-c --enable-sandbox 1 tap0").stdout, "", "no warning");
});
