import { type Options, parseOptions } from "../../../../forward/cli/flags/options.ts";
import { readPasta } from "../../../../forward/cli/pasta/arguments.ts";
import { type HostLink, type PastaTranslation, translatePasta } from "../../../../forward/cli/pasta/translation.ts";
import { written } from "../../../../forward/forwards/setup.ts";
import { IpAddress, type IpVersion } from "../../../../stack/base/address.ts";
import { assert, assertEquals } from "../../../assert.ts";

const LINKS: Readonly<Record<IpVersion, HostLink>> = {
  4: {
    interface: "eth0",
    address: IpAddress.parse("192.0.2.7"),
    prefixLength: 26,
    gateway: IpAddress.parse("192.0.2.1"),
  },
  6: {
    interface: "eth0",
    address: IpAddress.parse("2001:db8::7"),
    prefixLength: 64,
    gateway: IpAddress.parse("fe80::1"),
  },
};

async function translate(line: string, links: Partial<typeof LINKS> = LINKS): Promise<PastaTranslation> {
  const read = readPasta(`${line} 1`.trim().split(" "), "1");
  assert(read.kind === "start", `${line}: ${JSON.stringify(read)}`);
  const parsed = await parseOptions([], { resolve: () => Promise.reject(new Error("a name")) });
  assert(parsed.kind === "options");
  return translatePasta(read.settings, read.path, {
    defaults: parsed.options,
    hostLink: (version, name) => name === null || name === "eth0" ? links[version] ?? null : null,
  });
}

async function options(line: string, links?: Partial<typeof LINKS>): Promise<Options> {
  const translation = await translate(line, links);
  assert(translation.kind === "options", `${line}: ${JSON.stringify(translation)}`);
  return translation.options;
}

function mapped({ manner }: Options): string {
  return manner.mapped?.map(({ gateway, loopback }) => `${gateway}=${loopback}`).join(" ") ?? "";
}

function forwards({ localForwards }: Options): string[] {
  return localForwards.map(({ network, bind, target }) => `${network} ${written(bind)} ${written(target)}`);
}

Deno.test("pasta: the guest has the addresses of the host", async () => {
  const { addresses, interface: name, mtu, manner, netns, makeTap, configure, quiet, enableHost } = await options("");
  assertEquals(`${addresses.guest4}/${addresses.prefix4} ${addresses.gateway4}`, "192.0.2.7/26 192.0.2.1");
  assertEquals(String(addresses.broadcast4), "192.0.2.63", "broadcast address");
  assertEquals(`${addresses.guest6} ${addresses.gateway6} ${addresses.linkLocal6}`, "2001:db8::7 fe80::1 fe80::1");
  assertEquals(`${name} ${mtu} ${netns}`, "eth0 65520 /proc/1/ns/net");
  assert(makeTap && quiet && enableHost && manner.asHost && manner.ipv6, "what every guest has");
  assertEquals(configure, false, "only with --config-net");
  assertEquals((await options("--config-net")).configure, true, "--config-net");
});

Deno.test("pasta: addresses that are given", async () => {
  const given = await options("-a 10.0.2.100 -n 24 -g 10.0.2.2 -I tap0 -m 1500 -4 --dns-forward 10.0.2.3");
  const { addresses } = given;
  assertEquals(`${addresses.guest4}/${addresses.prefix4} ${addresses.gateway4}`, "10.0.2.100/24 10.0.2.2");
  assertEquals(String(addresses.dns4), "10.0.2.3", "the name server");
  assertEquals(given.dns, true, "there is a name server");
  assertEquals(`${given.interface} ${given.mtu}`, "tap0 1500");
  assertEquals(given.manner.ipv6, false, "-4");
  const prefixes = { "-a 10.0.2.100": 8, "-a 172.16.0.1": 16, "-a 192.0.2.9": 24, "-a 192.0.2.7": 26 };
  for (const [line, prefix] of Object.entries(prefixes)) {
    assertEquals((await options(line)).addresses.prefix4, prefix, line);
  }
  assertEquals((await options("-6")).manner.fixedIpv4, false, "-6: no IPv4");
  assertEquals((await options("")).dns, false, "without --dns-forward there is no name server");
});

Deno.test("pasta: addresses that stand for the host", async () => {
  const loopback = "192.0.2.1=127.0.0.1 fe80::1=::1";
  for (
    const [line, expected] of [
      ["", loopback],
      ["--no-map-gw", ""],
      ["--no-map-gw --map-guest-addr 169.254.1.2", "169.254.1.2=192.0.2.7"],
      ["--no-map-gw -a 10.0.2.100 --map-guest-addr 169.254.1.2", "169.254.1.2=192.0.2.7"],
      ["--map-host-loopback 10.0.0.9", "10.0.0.9=127.0.0.1 fe80::1=::1"],
      ["--no-map-gw --map-host-loopback 10.0.0.9", "10.0.0.9=127.0.0.1"],
      ["--map-host-loopback none", ""],
      ["-4", "192.0.2.1=127.0.0.1"],
    ]
  ) assertEquals(mapped(await options(line)), expected, line);
});

Deno.test("pasta: ports, one forward for each IP version that the guest has", async () => {
  for (
    const [line, expected] of [
      ["-t none -u none", []],
      ["-t 8080-8080:80-80", ["tcp 0.0.0.0:8080 192.0.2.7:80", "tcp [::]:8080 [2001:db8::7]:80"]],
      ["-4 -u 53", ["udp 0.0.0.0:53 192.0.2.7:53"]],
      ["-6 -t 53", ["tcp [::]:53 [2001:db8::7]:53"]],
      ["-t 127.0.0.1/5:6", ["tcp 127.0.0.1:5 192.0.2.7:6"]],
      ["-t ::1/5", ["tcp [::1]:5 [2001:db8::7]:5"]],
      ["-4 -t ::1/5", ["tcp [::1]:5 192.0.2.7:5"]],
    ] as const
  ) assertEquals(forwards(await options(line)), [...expected], line);
  assertEquals((await options("-t 80")).localForwards[0].oneVersion, true, "the wildcard is that of its version");
});

Deno.test("pasta: a host without a default route", async () => {
  const local = await options("", {});
  assertEquals(
    `${local.interface} ${local.addresses.guest4} ${local.addresses.gateway4}`,
    "tap0 169.254.2.1 169.254.2.2",
  );
  assertEquals(local.manner.ipv6, false, "no IPv6");
  const four = await options("", { 4: LINKS[4] });
  assertEquals(four.manner.ipv6, false, "a host without IPv6");
  const six = await options("", { 6: LINKS[6] });
  assertEquals(`${six.manner.fixedIpv4} ${six.manner.ipv6}`, "false true", "a host without IPv4");
});

Deno.test("pasta: options that exclude each other, an unknown interface", async () => {
  for (const line of ["-4 -6", "-i nothing0"]) assertEquals((await translate(line)).kind, "error", line);
});
