/** The program in place of slirp4netns: what callers and guests of slirp4netns rely on. */
import { HOST_LINK, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { run } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, PROJECT } from "../../../scripts/lab/program.ts";
import { startResolver, startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e, e2eWith, VERSIONS } from "../bed/bed.ts";
import { client, forwardsCommand } from "../bed/forward_bed.ts";
import { field } from "../bed/reports.ts";
import { Slirp4netnsBed, slirp4netnsCommand } from "../bed/slirp4netns_bed.ts";

const CURL = "curl --silent --show-error --max-time 10";

/** Sends a datagram to the address and port, and prints the error that ICMP brings, or "none" after two seconds. */
const UDP_ERROR = `python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
s.settimeout(2)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"x")
try:
    s.recv(9)
except TimeoutError:
    print("none")
except OSError as error:
    print(error.strerror)'`;

e2e("slirp4netns -c: the device with its address and route; the world, the host and its loopback", async () => {
  await using bed = await Slirp4netnsBed.create();
  const program = await bed.start("-c", "--mtu=65520");
  await startServers(bed.lab, bed.lab.host, ["127.0.0.1", HOST_LINK.v4]);
  const { stdout } = await bed.inGuest(`
    ip -o address show; ip route; cat /proc/net/if_inet6
    ping -c 1 -W 5 10.0.2.2; ping -c 1 -W 5 ${WORLD.v4}
    for host in ${WORLD.v4} ${HOST_LINK.v4} 10.0.2.2; do ${CURL} http://$host/; done`);
  assertMatch(stdout, /tap0 +inet 10\.0\.2\.100\/24 brd 10\.0\.2\.255 /, "the address");
  assertMatch(stdout, /default via 10\.0\.2\.2 dev tap0/, "the route");
  assertEquals(stdout.match(/ 1 received/g)?.length, 2, `pings of the gateway and of the world: ${stdout}`);
  assertEquals(stdout.match(/^Hello, /gm)?.length, 3, `the world, the host, its loopback: ${stdout}`);
  assert(!stdout.includes("fd00"), "no IPv6 address");
  assertEquals(program.stderr, [], "stderr");
  assertEquals(program.stdout[0], "Starting slirp", "the first line");
  assert(program.stdout.every((line) => !/^\[/.test(line)), `no line about connections: ${program.stdout.join("\n")}`);
  assertEquals(await program.stop(), 143, "SIGTERM ends it as a signal does");
});

e2e("slirp4netns --cidr, --macaddress: the addresses move, the device has that MAC", async () => {
  await using bed = await Slirp4netnsBed.create();
  await bed.start("-c", "--cidr=10.0.135.128/25", "--macaddress=12:34:56:78:9a:bc");
  const { stdout } = await bed.inGuest(`
    ip -o address show dev tap0; ip route; ip link show tap0; ping -c 1 -W 5 10.0.135.130; ${CURL} http://${WORLD.v4}/`);
  assertStringIncludes(stdout, "inet 10.0.135.228/25 brd 10.0.135.255");
  assertStringIncludes(stdout, "default via 10.0.135.130 dev tap0");
  assertStringIncludes(stdout, "link/ether 12:34:56:78:9a:bc");
  assertStringIncludes(stdout, " 1 received");
  assertStringIncludes(stdout, "Hello, ");
});

e2e("slirp4netns: mistakes have status 1, and help is silent when its reader leaves", async () => {
  await using bed = await Slirp4netnsBed.create();
  const network = await bed.run("-c", "--cidr", "10.0.2.100/24", "1", "tap0");
  assertEquals(network.code, 1, "status");
  assertMatch(network.stderr, /^CIDR needs to be a network address like 10\.0\.2\.0\/24, .*\n$/);
  assertEquals(network.stdout, "", "no usage");
  const unknown = await bed.run("--bogus", "1", "tap0");
  assertEquals(unknown.code, 1, "status");
  assertEquals(unknown.stderr, "slirp4netns: unrecognized option '--bogus'\n");
  assertMatch(unknown.stdout, /^Usage: slirp4netns /);
  const nobody = await bed.run("-c", "4194303", "tap0");
  assertEquals(nobody.code, 1, "no such process: status");
  assertMatch(nobody.stderr, /^[^\n]*\/proc\/4194303\/ns\/net[^\n]*\n$/, "one line");
  const help = await bed.run("--help");
  assertEquals(`${help.code} ${help.stderr}`, "0 ");
  const closed = await bed.lab.host.run([
    "bash",
    "-c",
    'set -o pipefail; "$@" --help | true; echo "${PIPESTATUS[0]}"',
    "bash",
    ...slirp4netnsCommand(),
  ], { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
  assertEquals(closed.stderr, "", "nothing on stderr");
});

e2eWith("busybox", "slirp4netns without -c: the device is made and left alone; DHCP gives .15 and no MTU", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { guest, lab } = bed;
  await bed.start();
  assertMatch((await guest.run(["ip", "-o", "link", "show", "tap0"])).stdout, /state DOWN/, "it is down");
  await guest.ip("link set tap0 up");
  const script = `${lab.directory}/dhcp`;
  await Deno.writeTextFile(script, `#!/bin/sh\nenv | sort >> ${script}.said\n`, { mode: 0o755 });
  const options = ["-f", "-i", "tap0", "-q", "-n", "-t", "5", "-O", "mtu", "-O", "search", "-s", script];
  await guest.check(["busybox", "udhcpc", ...options], { timeout: 20_000 });
  const said = await Deno.readTextFile(`${script}.said`);
  for (const line of ["ip=10.0.2.15", "router=10.0.2.2", "dns=10.0.2.3", "subnet=255.255.255.0", "lease=86400"]) {
    assertMatch(said, new RegExp(`^${line}$`, "m"), line);
  }
  assert(!/^(mtu|search)=/m.test(said), `neither an MTU nor a search domain: ${said}`);
});

e2e("slirp4netns --disable-host-loopback: network is unreachable, at once; a ping is answered", async () => {
  await using bed = await Slirp4netnsBed.create();
  await bed.start("-c", "--disable-host-loopback");
  await startServers(bed.lab, bed.lab.host, ["127.0.0.1"]);
  const { stdout, stderr } = await bed.inGuest(`
    ping -c 1 -W 5 10.0.2.2
    echo > /dev/tcp/10.0.2.2/80
    ${UDP_ERROR} 10.0.2.2 7`);
  assertStringIncludes(stdout, " 1 received", "ping");
  assertStringIncludes(stderr, "Network is unreachable", "TCP");
  assertStringIncludes(stdout, "Network is unreachable", "UDP");
});

e2e("slirp4netns --disable-dns: the name server's address is one like any other", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab } = bed;
  await lab.addWorldAddress("10.0.2.3");
  await startResolver(lab, lab.world, ["10.0.2.3"], { "web.test": "192.0.2.9" });
  await bed.start("-c", "--disable-dns");
  const { stdout } = await bed.inGuest(`
    ping -c 1 -W 5 10.0.2.2; dig +short +tcp @10.0.2.3 web.test; dig +short @10.0.2.3 web.test`);
  assertStringIncludes(stdout, " 1 received", "ping");
  assertEquals(stdout.match(/^192\.0\.2\.9$/gm)?.length, 2, `TCP and UDP reach the host's network: ${stdout}`);
});

e2e("slirp4netns: names are asked of the first server of the host's resolv.conf", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab } = bed;
  const conf = `${lab.directory}/resolv.conf`;
  await Deno.writeTextFile(conf, "nameserver 127.0.0.53\nnameserver 203.0.113.53\n");
  await startResolver(lab, lab.host, ["127.0.0.53"], { "web.test": "192.0.2.9" });
  const words = ["-c", "--netns-type=path", bed.guest.path, "tap0"];
  await bed.startWith(words, lab.host.withResolvConf(conf));
  const { stdout } = await bed.inGuest("dig +short @10.0.2.3 web.test; dig +short +tcp @10.0.2.3 web.test");
  assertEquals(stdout, "192.0.2.9\n192.0.2.9\n");
});

e2e("slirp4netns --enable-ipv6: an address by SLAAC, the world, and the host's ::1 at fd00::2", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab, guest } = bed;
  await startServers(lab, lab.host, ["::1"]);
  const conf = `${lab.directory}/resolv.conf`;
  await Deno.writeTextFile(conf, "nameserver ::1\n");
  await startResolver(lab, lab.host, ["::1"], { "web.test": "192.0.2.9" });
  const words = ["-c", "-6", "--netns-type=path", guest.path, "tap0"];
  const program = await bed.startWith(words, lab.host.withResolvConf(conf));
  assertStringIncludes(program.stdout[0], "experimental", "the warning");
  await until("an address of fd00::/64", 15_000, async () => {
    const { stdout } = await guest.run(["ip", "-6", "-o", "address", "show", "dev", "tap0", "scope", "global"]);
    return stdout.includes("fd00::") && !stdout.includes("tentative");
  });
  const { stdout } = await bed.inGuest(`
    ip -6 route; ip -6 -o address show dev tap0
    ${CURL} 'http://[${WORLD.v6}]/' 'http://[fd00::2]/'; dig +short @fd00::3 web.test; ping -c 1 -W 5 fd00::2`);
  assertMatch(stdout, /default via fe80::2 dev tap0/, "the router");
  assertMatch(stdout, /valid_lft 86[0-9]{3}sec preferred_lft 14[0-9]{3}sec/, "lifetimes");
  assert(!stdout.includes("fd00::100"), "no fixed address");
  assertEquals(stdout.match(/^Hello, /gm)?.length, 2, `the world, and the host's ::1: ${stdout}`);
  assertMatch(stdout, /^192\.0\.2\.9$/m, "a name");
  assertStringIncludes(stdout, " 1 received", "a ping");
});

e2e("slirp4netns without --enable-ipv6: nothing answers over IPv6", async () => {
  await using bed = await Slirp4netnsBed.create();
  await bed.start("-c");
  await bed.guest.ip("address add fd00::100/64 dev tap0 nodad\nroute add default via fd00::2 dev tap0");
  const { stdout } = await bed.inGuest("ping -c 1 -W 1 fd00::2; ip -6 route");
  assertStringIncludes(stdout, " 0 received");
  assert(!stdout.includes("proto ra"), "no router was advertised");
});

e2e("slirp4netns --outbound-addr, by address and by interface", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab } = bed;
  await lab.host.ip(
    "link add extra0 type veth peer name extra1\nlink set extra1 up\naddress add 198.51.100.7/32 dev extra0\nlink set extra0 up",
  );
  await lab.world.ip("route add 198.51.100.7 via 192.0.2.1");
  for (
    const [value, source] of [["198.51.100.7", "198.51.100.7"], ["extra0", "198.51.100.7"], ["eth0", HOST_LINK.v4]]
  ) {
    const listener = lab.start(lab.world, ["python3", "-uc", SHOW_CLIENT]);
    await listener.line("stdout", /^ready$/);
    await using program = await bed.start("-c", `--outbound-addr=${value}`);
    await bed.inGuest(`echo > /dev/tcp/${WORLD.v4}/9999`);
    const [, client] = await listener.line("stdout", /^client (\S+)$/);
    assertEquals(client, source, `--outbound-addr=${value}`);
    await program.stop();
    await listener.stop();
  }
  const failed = await bed.run("-c", "--outbound-addr=nothing0", "--netns-type=path", bed.guest.path, "tap0");
  assertEquals(failed.code, 1, "an unknown interface");
});

/** Listens on port 9999, and prints the address of the first client. */
const SHOW_CLIENT = `
import socket
s = socket.create_server(("", 9999))
print("ready")
print("client", s.accept()[1][0])`;

e2e("slirp4netns: link-local addresses, such as the metadata service of clouds, are reached", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab } = bed;
  await lab.addWorldAddress("169.254.169.254");
  await startServers(lab, lab.world, ["169.254.169.254"]);
  await bed.start("-c");
  const { stdout } = await bed.inGuest(`${CURL} http://169.254.169.254/; echo > /dev/tcp/127.0.0.1/80`);
  assertStringIncludes(stdout, "Hello, ");
});

e2e("slirp4netns --exit-fd: it ends with status 0 when the writer is gone", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { guest, lab } = bed;
  const words = `-r 3 --netns-type=path ${guest.path} tap0`;
  const script = `
    mkfifo ${lab.directory}/pipe
    sleep 1000 > ${lab.directory}/pipe & writer=$!
    "$@" -e 4 ${words} 4< ${lab.directory}/pipe 3> ${lab.directory}/told & program=$!
    until [ -s ${lab.directory}/told ]; do sleep 0.05; done
    kill $writer; wait $program; echo "status $?"`;
  const command = ["bash", "-c", script, "bash", ...slirp4netnsCommand()];
  const { stdout } = await lab.host.run(command, { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
  assertMatch(stdout, /^status 0$/m);
});

e2e("slirp4netns --api-socket: forwards are added, listed and removed, also in the sandbox", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab, guest } = bed;
  const path = `${lab.directory}/api.sock`;
  await bed.start("-c", "--cidr=10.0.135.128/25", "--enable-sandbox", "--enable-seccomp", "--api-socket", path);
  await startServers(lab, guest, ["10.0.135.228"]);
  const add = (port: number) =>
    askApi(
      path,
      `{"execute":"add_hostfwd","arguments":{"proto":"tcp","host_addr":"0.0.0.0","host_port":${port},"guest_addr":"","guest_port":80}}`,
    );
  assertEquals(await add(8080), '{"return":{"id":1}}');
  const page = await lab.world.run(["curl", "-sS", "--max-time", "10", `http://${HOST_LINK.v4}:8080/`]);
  assertMatch(page.stdout, /^Hello, /, "through the forward");
  assertEquals(await add(80), '{"return":{"id":2}}', "a low port");
  const list = JSON.parse(await askApi(path, '{"execute":"list_hostfwd"}'));
  const first = {
    id: 1,
    proto: "tcp",
    host_addr: "0.0.0.0",
    host_port: 8080,
    guest_addr: "10.0.135.228",
    guest_port: 80,
  };
  assertEquals(list.entries[0], first, "the list");
  assertEquals(await askApi(path, '{"execute":"remove_hostfwd","arguments":{"id":1}}'), '{"return":{}}');
  const { code } = await lab.world.run(["curl", "-sS", "--max-time", "10", `http://${HOST_LINK.v4}:8080/`]);
  assertEquals(code, 7, "refused");
  for (
    const [request, error] of [
      ["{}", "no execute found"],
      ['{"execute":"fly"}', "unknown execute"],
      ["nonsense", "cannot parse JSON"],
      ['{"execute":"add_hostfwd","arguments":{"proto":"icmp"}}', "add_hostfwd: bad arguments.proto"],
      ['{"execute":"remove_hostfwd","arguments":{"id":9}}', "remove_hostfwd: slirp_remove_hostfwd failed"],
    ]
  ) assertEquals(await askApi(path, request), `{"error":{"desc":"bad request: ${error}"}}`, request);
  const long = await bed.run("-a", `/${"a".repeat(107)}`, "--netns-type=path", guest.path, "tap1");
  assertEquals(long.code, 1, "too long a path");
});

e2e("slirp4netns --api-socket: both wildcards on one port, and IPv6 to IPv4, for TCP and UDP", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab, guest } = bed;
  const path = `${lab.directory}/api.sock`;
  await bed.start("-c", "--api-socket", path);
  const service = lab.start(guest, forwardsCommand("serve", "10.0.2.100"));
  await service.line("stdout", /^ready$/);
  let id = 0;
  for (const network of ["tcp", "udp"]) {
    for (const [proto, address] of [[network, "0.0.0.0"], [`${network}6`, "::"]] as const) {
      const ports = { host_port: 8080, guest_port: 9100 };
      const given = { proto, host_addr: address, guest_addr: "", ...ports };
      const answer = await askApi(path, JSON.stringify({ execute: "add_hostfwd", arguments: given }));
      assertEquals(answer, `{"return":{"id":${++id}}}`, `${proto} on ${address}`);
    }
    for (const version of VERSIONS) {
      const command = network === "tcp" ? "ask" : "ask-udp";
      const seen = await client(lab.world, command, HOST_LINK[version], 8080);
      const expected = version === "v4" ? WORLD_LINK.v4 : "10.0.2.2";
      assertEquals(field(seen, network), expected, `the client that the guest sees, ${network} ${version}`);
    }
  }
});

/** Sends a request to the API socket, and returns the whole answer. */
async function askApi(path: string, request: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(request));
  await connection.closeWrite();
  return await new Response(connection.readable).text();
}

e2e("slirp4netns: by a process id, and with the user namespace of an unprivileged guest", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab } = bed;
  const guest = lab.start(lab.host, [
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    "echo $$; exec sleep 999",
  ]);
  const [pid] = await guest.line("stdout", /^\d+$/);
  const inside = ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--net", "--"];
  const path = `--netns-type=path /proc/${pid}/ns/net`.split(" ");
  for (
    const words of [
      ["-c", pid, "tap0"],
      ["-c", "--enable-sandbox", "--enable-seccomp", `--userns-path=/proc/${pid}/ns/user`, ...path, "tap0"],
      ["-c", ...path, "tap0"],
    ]
  ) {
    const program = await bed.startWith(words);
    const { stdout } = await run([...inside, "curl", "-sS", "--max-time", "10", `http://${WORLD.v4}/`]);
    assertMatch(stdout, /^Hello, /, words.join(" "));
    assertEquals(await program.stop(), 143, words.join(" "));
    await until(
      "the end of tap0",
      5_000,
      async () => (await run([...inside, "ip", "link", "show", "tap0"])).code !== 0,
    );
  }
});

/** Makes tap0 in this namespace, goes to that of the host, and becomes the command, to which it passes the tap. */
const WITH_TAP = `
import ctypes, fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"tap0", 0x1002))  # TUNSETIFF: IFF_TAP, IFF_NO_PI
os.set_inheritable(tap, True)
ctypes.CDLL(None).setns(os.open(sys.argv[1], os.O_RDONLY), 0x40000000)
os.execvp(sys.argv[2], sys.argv[2:] + ["--netns-type=tapfd", str(tap)])`;

e2e("slirp4netns --netns-type=tapfd: a tap that is open already", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab, guest } = bed;
  await bed.startWith(["--mtu=1400"], guest, ["python3", "-c", WITH_TAP, lab.host.path]);
  await guest.ip("address add 10.0.2.100/24 dev tap0\nlink set tap0 up mtu 1400\nroute add default via 10.0.2.2");
  assertStringIncludes((await bed.inGuest(`${CURL} http://${WORLD.v4}/`)).stdout, "Hello, ");
});

e2e("slirp4netns as podman starts it: root of a user namespace, on a host that belongs to another", async () => {
  await using bed = await Slirp4netnsBed.create();
  const { lab } = bed;
  const wait = ["sh", "-c", "echo $$; exec sleep 1000"];
  const within = (pid: string) => ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--"];
  const root = lab.start(lab.host, ["unshare", "--user", "--map-root-user", ...wait]);
  const [rootPid] = await root.line("stdout", /^\d+$/);
  const guest = lab.start(lab.host, [...within(rootPid), "unshare", "--net", ...wait]);
  const [guestPid] = await guest.line("stdout", /^\d+$/);
  const path = `${lab.directory}/podman.sock`;
  const flags = "--disable-host-loopback --mtu=65520 --enable-sandbox --enable-seccomp --enable-ipv6 -c".split(" ");
  const words = [...flags, `--api-socket=${path}`, "--netns-type=path", `/proc/${guestPid}/ns/net`, "tap0"];
  const program = await bed.startWith(words, lab.host, within(rootPid));
  const inGuest = (script: string) =>
    run([...within(guestPid), "nsenter", `--net=/proc/${guestPid}/ns/net`, "bash", "-c", script]);
  const { stdout } = await inGuest(
    `ip -o address show dev tap0; cat /sys/class/net/tap0/mtu; ${CURL} http://${WORLD.v4}/`,
  );
  assertStringIncludes(stdout, "inet 10.0.2.100/24", "the address");
  assertStringIncludes(stdout, "Hello, ", "the world");
  await until(
    "the world over IPv6",
    15_000,
    async () => (await inGuest(`curl --silent --max-time 2 'http://[${WORLD.v6}]/'`)).stdout.startsWith("Hello, "),
  );
  const request = { proto: "tcp", host_addr: "", host_port: 8081, guest_addr: "", guest_port: 80 };
  const answer = await askApi(path, JSON.stringify({ execute: "add_hostfwd", arguments: request }));
  assertEquals(answer, '{"return":{"id":1}}', "a published port");
  assertEquals(await program.stop(), 143, "its end");
});

e2e("slirp4netns --enable-sandbox: no new privileges, no CAP_SYS_ADMIN, and it serves", async () => {
  await using bed = await Slirp4netnsBed.create();
  const program = await bed.start("-c", "--enable-sandbox");
  const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
  assertMatch(status, /^NoNewPrivs:\t1$/m);
  assertMatch(status, /^Seccomp:\t2$/m);
  const effective = BigInt(`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1]}`);
  assertEquals(effective >> 21n & 1n, 0n, "CAP_SYS_ADMIN");
  assertEquals(effective >> 10n & 1n, 1n, "CAP_NET_BIND_SERVICE");
  const { stdout } = await bed.inGuest(`${CURL} http://${WORLD.v4}/; ping -c 1 -W 5 ${WORLD.v4}`);
  assertStringIncludes(stdout, "Hello, ");
  assertStringIncludes(stdout, " 1 received");
});
