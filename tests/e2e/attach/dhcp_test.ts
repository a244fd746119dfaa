/** Guests that configure themselves: DHCP clients of several makers, and the kernel's own IPv6. */
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { check } from "../../../scripts/lab/process.ts";
import { launchProgram, startProgram } from "../../../scripts/lab/program.ts";
import { startServers, url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { isInstalled } from "../bed/installed.ts";
import { e2e, e2eWith } from "../bed/bed.ts";

/**
 * A lab with the program on a guest's device without addresses, and a script by which DHCP clients report their leases.
 */
class DhcpBed implements AsyncDisposable {
  private constructor(readonly lab: Lab, readonly guest: Namespace, private readonly script: string) {}

  /** `DIR` in the flags stands for the lab's folder. */
  static async create(...flags: readonly string[]): Promise<DhcpBed> {
    const lab = await Lab.create();
    try {
      const conf = `${lab.directory}/host.conf`, script = `${lab.directory}/script`;
      const servers = "nameserver 127.0.0.53\nnameserver 203.0.113.53\nnameserver 2001:db8:ffff::53\n";
      await Deno.writeTextFile(conf, `${servers}search corp.example example.net\n`);
      await Deno.writeTextFile(script, `#!/bin/sh\n[ "$1" ] && reason=$1\nexport reason\nenv | sort >> $0.said\n`);
      await Deno.chmod(script, 0o755);
      const guest = await lab.guest();
      await startServers(lab);
      await guest.sysctl({ "ipv6/conf/default/router_solicitation_interval": 1 });
      await guest.ip("tuntap add mode tap name tun0\nlink set tun0 mtu 1400 up");
      const words = flags.map((word) => word.replace("DIR", lab.directory));
      lab.adopt(await startProgram(lab.host.withResolvConf(conf), guest, words));
      return new DhcpBed(lab, guest, script);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a client, whose command line has `SCRIPT` for the script, and returns what the script reported. */
  async client(...command: readonly string[]): Promise<string> {
    const words = command.map((word) => word.replaceAll("SCRIPT", this.script).replaceAll("DIR", this.lab.directory));
    await Deno.remove(`${this.script}.said`).catch(() => {});
    const { stderr, stdout, code } = await this.guest.run(words, { timeout: 20_000 });
    const said = await Deno.readTextFile(`${this.script}.said`).catch(() => "");
    assert(code === 0 && said !== "", `${command.join(" ")}: status ${code}\n${stdout}${stderr}`);
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

/** The lines `NAME=...` of one client, the first of each name. */
function heard(said: string, names: readonly string[]): (string | undefined)[] {
  return names.map((name) => new RegExp(`^${name}=(.*)$`, "m").exec(said)?.[1]);
}

e2eWith("busybox", "DHCP: udhcpc of BusyBox gets the address and all that goes with it, and renews it", async () => {
  await using bed = await DhcpBed.create("-dns");
  const { guest } = bed;
  const options = ["-f", "-i", "tun0", "-q", "-n", "-t", "3", "-O", "mtu", "-O", "search", "-s", "SCRIPT"];
  const said = await bed.client("busybox", "udhcpc", ...options);
  assertEquals(
    heard(said, ["reason", "ip", "subnet", "router", "dns", "mtu", "lease", "serverid", "broadcast"]),
    ["deconfig", "10.0.2.100", "255.255.255.0", "10.0.2.2", "10.0.2.3", "1400", "86400", "10.0.2.2", "10.0.2.255"],
  );
  assertEquals(heard(said, ["domain", "search"]), ["corp.example", "corp.example example.net"]);
  assertMatch(said, /^reason=bound$/m);

  await guest.ip("address add 10.0.2.100/24 dev tun0\nroute add default via 10.0.2.2");
  assertStringIncludes(await guest.check(["curl", "-sS", "--max-time", "10", url(WORLD.v4)]), "Hello, ");
  const client = bed.lab.start(guest, ["busybox", "udhcpc", "-f", "-i", "tun0", "-s", "/bin/true", "-r", "10.0.2.77"]);
  await client.line("stderr", /lease of 10\.0\.2\.100 obtained/);
  const before = client.stderr.length;
  client.signal("SIGUSR1"); // renew
  await client.line("stderr", /lease of 10\.0\.2\.100 obtained/, 10_000, before);
  client.signal("SIGUSR2"); // release
  await client.line("stderr", /release/, 10_000, before);
});

e2eWith("busybox", "-make-tap: a device is made, without addresses, and udhcpc gets its lease over it", async () => {
  await using lab = await Lab.create();
  const guest = await lab.guest();
  await startServers(lab);
  const program = lab.adopt(launchProgram(lab.host, ["-netns", guest.path, "-make-tap", "-interface", "tap7"]));
  await program.line("stderr", /Slirpnetstack started/, 20_000);
  assertEquals(await guest.check(["ip", "-o", "address", "show", "dev", "tap7"]), "");
  await guest.ip("link set tap7 up");
  const client = lab.start(guest, ["busybox", "udhcpc", "-f", "-i", "tap7", "-s", "/bin/true"]);
  await client.line("stderr", /lease of 10\.0\.2\.100 obtained/);
  await guest.ip("address add 10.0.2.100/24 dev tap7\nroute add default via 10.0.2.2");
  assertStringIncludes(await guest.check(["curl", "-sS", "--max-time", "10", url(WORLD.v4)]), "Hello, ");
  program.signal("SIGKILL");
  await program.ended;
  assertEquals((await guest.run(["ip", "link", "show", "dev", "tap7"])).code, 1, "it is gone with the program");
});

e2eWith("dhclient", "DHCP: ISC's dhclient, over IPv4, and over IPv6 for information", async () => {
  await using bed = await DhcpBed.create("-dns");
  assertEquals(await dhclient(bed), [["10.0.2.100", "10.0.2.2", "10.0.2.3", "1400"], ["fd00::3"]]);
});

e2eWith("dhclient", "DHCP: without -dns, the host's name servers that the guest may reach", async () => {
  await using bed = await DhcpBed.create();
  const servers = ["203.0.113.53", "2001:db8:ffff::53"];
  assertEquals(await dhclient(bed), [["10.0.2.100", "10.0.2.2", servers[0], "1400"], [servers[1]]]);
});

/** dhclient's lease over IPv4 (address, router, name servers, MTU), and its information over IPv6 (name servers). */
async function dhclient(bed: DhcpBed): Promise<readonly (readonly (string | undefined)[])[]> {
  const files = ["-lf", "DIR/leases", "-pf", "DIR/pid", "-sf", "SCRIPT"];
  const said = await bed.client("sh", "-c", `dhclient -4 -d -1 ${files.join(" ")} tun0 & ${END_WHEN_BOUND}`);
  const names = ["new_ip_address", "new_routers", "new_domain_name_servers", "new_interface_mtu"];
  const six = await bed.client("dhclient", "-6", "-S", "-1", ...files, "tun0");
  return [heard(said, names), heard(six, ["new_dhcp6_name_servers"])];
}

/** dhclient keeps its lease until it is stopped. */
const END_WHEN_BOUND = `
for i in $(seq 100); do grep -q new_ip_address SCRIPT.said 2>/dev/null && break; sleep 0.05; done
kill $!
wait`;

e2e("SLAAC: a kernel makes itself an address, takes the MTU, and everything works from it", async () => {
  await using bed = await DhcpBed.create(
    ...["-slaac", "-dns", "-mtu", "1300", "-pcap", "DIR/pcap"],
    "-L",
    "0:[fd00::77]:9",
  );
  const { guest } = bed;
  await guest.ip("link set tun0 down"); // and up again, now with duplicate address detection
  await guest.sysctl({ "ipv6/conf/tun0/accept_dad": 1 });
  await guest.ip("link set tun0 up");
  const address = await until("an address of fd00::/64", 10_000, async () => {
    const said = await guest.check(["ip", "-6", "-oneline", "address", "show", "dev", "tun0", "scope", "global"]);
    return /tentative/.test(said) ? null : /inet6 (fd00:\S+)\/64 .*dynamic/.exec(said)?.[1] ?? null;
  });
  assertMatch(await guest.check(["ip", "-6", "route"]), /^default via fe80::7271:aaff:fe4b:29aa .* mtu 1300 /m);
  assertEquals(await guest.check(["cat", "/proc/sys/net/ipv6/conf/tun0/mtu"]), "1300\n"); // the device's is 1400
  assertStringIncludes(await guest.check(["curl", "-sS", "--max-time", "10", url(WORLD.v6)]), "Hello, ");
  await guest.check(["ping", "-c", "1", "-W", "5", "fd00::2"]);
  assert(address !== "fd00::100");
  const advertised = await check(["tcpdump", "-nvvr", `${bed.lab.directory}/pcap`, "icmp6[icmp6type] == 134"]);
  assertMatch(advertised, /rdnss option \(25\), length 24 \(3\): +lifetime 1800s, addr: fd00::3$/m);
  assertMatch(
    advertised,
    /dnssl option \(31\), length \d+ \(\d+\): +lifetime 1800s, domain\(s\): corp\.example\.? example\.net\.?/m,
  );
  assertMatch(advertised, /mtu option \(5\), length 8 \(1\): +1300$/m);
});

/** systemd-networkd, without the rest of systemd: with folders of its own, and a /sys without udev. */
const NETWORKD = `
mount -t tmpfs -o mode=755 tmpfs /run
mount -t sysfs -o ro sysfs /sys
mkdir -p /run/systemd/network /run/systemd/netif/links
chown -R systemd-network /run/systemd/netif
printf '%s\\n' '[Match]' Name=tun0 '[Network]' DHCP=no IPv6AcceptRA=yes '[IPv6AcceptRA]' DHCPv6Client=no \\
  > /run/systemd/network/tun0.network
exec /lib/systemd/systemd-networkd`;

e2eWith(
  "networkctl",
  "SLAAC: systemd-networkd takes address, MTU and name server from the advertisement",
  async () => {
    await using bed = await DhcpBed.create("-slaac", "-dns", "-mtu", "1300");
    const { guest, lab } = bed;
    const client = lab.start(guest, ["unshare", "--mount", "sh", "-ec", NETWORKD]);
    const index = parseInt(await guest.check(["ip", "-oneline", "link", "show", "dev", "tun0"]));
    const state = await until("systemd-networkd", 15_000, async () => {
      const state = await Deno.readTextFile(`/proc/${client.pid}/root/run/systemd/netif/links/${index}`).catch(() =>
        ""
      );
      return /^ADMIN_STATE=configured$/m.test(state) ? state : null;
    });
    assertEquals(heard(state, ["DNS", "IPV6_ADDRESS_STATE"]), ["fd00::3", "routable"]);
    assertMatch(await guest.check(["ip", "-6", "route"]), /^default via fe80::\S+ dev tun0 proto ra .* mtu 1300 /m);
    await guest.check(["ping", "-c", "1", "-W", "5", "fd00::2"]);
  },
);

e2e("router advertisements: a guest that does not solicit, as after a restart, has its route at once", async () => {
  await using lab = await Lab.create();
  const guest = await lab.guest();
  await guest.sysctl({ "ipv6/conf/default/router_solicitations": 0 });
  await guest.ip("tuntap add mode tap name tun0\nlink set tun0 up");
  for (let start = 1; start <= 2; start++) {
    const program = lab.adopt(await startProgram(lab.host, guest));
    await until(
      `the route after start ${start}`,
      10_000,
      async () => /^default via fe80::7271:aaff:fe4b:29aa /m.test(await guest.check(["ip", "-6", "route"])) || null,
    );
    await program.stop();
    await guest.check(["ip", "-6", "route", "flush", "default"]);
  }
});

e2e("SLAAC: switched off, a kernel has only the address that it was given", async () => {
  await using bed = await DhcpBed.create("-dhcp=false");
  const { guest } = bed;
  await until("the router", 10_000, async () => /^default/m.test(await guest.check(["ip", "-6", "route"])) || null);
  assertEquals(await guest.check(["ip", "-6", "address", "show", "dev", "tun0", "scope", "global"]), "");
  if (!isInstalled("busybox")) return;
  const client = ["busybox", "udhcpc", "-f", "-i", "tun0", "-n", "-q", "-t", "1", "-T", "1", "-s", "/bin/true"];
  assertEquals((await guest.run(client)).code, 1);
});
