/** The program in place of pasta: what podman and RootlessKit, and their guests, rely on. */
import { HOST_LINK, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { Process, run } from "../../../scripts/lab/process.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";
import { startResolver, startServers, url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { ended, PastaBed, PODMAN_DNS, PODMAN_HOST } from "../bed/pasta_bed.ts";
import { RunBed } from "../bed/run_bed.ts";

const CURL = "curl --silent --show-error --max-time 10";

/** Prints the address of each client and the content of each datagram that come to port 7000, and answers with them. */
const SHOW_CLIENTS = `
import socket, sys, threading
def tcp(family, host):
    s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: s.setsockopt(41, 26, 1)
    s.bind((host, 7000)); s.listen()
    while True:
        c, a = s.accept(); c.sendall(a[0].split("%")[0].encode()); c.close()
def udp(family, host):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6: s.setsockopt(41, 26, 1)
    s.bind((host, 7000))
    while True:
        data, a = s.recvfrom(2048); s.sendto(a[0].split("%")[0].encode(), a)
for run in tcp, udp:
    for family, host in (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"):
        threading.Thread(target=run, args=(family, host)).start()
print("ready", flush=True)`;

/** Prints what a server of {@linkcode SHOW_CLIENTS} sees: the arguments are a network, an address and a port. */
const ASK = `
import socket, sys
network, host, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if network == "tcp" else socket.SOCK_DGRAM)
s.settimeout(10); s.connect((host, int(port)))
if network == "udp": s.send(b"x")
print(s.recv(99).decode())`;

e2e("pasta, as podman runs it: addresses of the host, the world, names, the host itself, ping", async () => {
  await using bed = await PastaBed.create();
  const { lab } = bed;
  const conf = `${lab.directory}/resolv.conf`;
  await Deno.writeTextFile(conf, "nameserver 127.0.0.53\n");
  await startResolver(lab, lab.host, ["127.0.0.53"], { "web.test": "192.0.2.9" });
  await startServers(lab, lab.host, [HOST_LINK.v4]);
  await bed.start([], lab.host.withResolvConf(conf));
  const { stdout, stderr } = await bed.inGuest(`
    ip -o address show dev eth0; ip route; ip -6 route; ip link show dev eth0
    dig +short @${PODMAN_DNS} web.test; dig +short +tcp @${PODMAN_DNS} web.test
    ${CURL} ${url(WORLD.v4)} '${url(WORLD.v6)}' ${url(PODMAN_HOST)}
    ping -c 1 -W 5 ${WORLD.v4}; ping -c 1 -W 5 ${WORLD.v6}; ping -c 1 -W 5 ${PODMAN_HOST}`);
  assertStringIncludes(stdout, `inet ${HOST_LINK.v4}/30 `, "the host's IPv4 address");
  assertStringIncludes(stdout, `inet6 ${HOST_LINK.v6}/64 `, "the host's IPv6 address");
  assertStringIncludes(stdout, `default via ${WORLD_LINK.v4} dev eth0`, "the host's IPv4 router");
  assertStringIncludes(stdout, `default via ${WORLD_LINK.v6} dev eth0`, "the host's IPv6 router");
  assertStringIncludes(stdout, "mtu 65520", "the MTU");
  assertEquals(stdout.match(/^192\.0\.2\.9$/gm)?.length, 2, `names over UDP and TCP: ${stdout}`);
  assertEquals(stdout.match(/^Hello, /gm)?.length, 3, `the world over both versions, the host: ${stdout}${stderr}`);
  assertEquals(stdout.match(/ 1 received/g)?.length, 3, `pings: ${stdout}`);
});

e2e("pasta -t and -u: published ports, with the clients' addresses, over both versions", async () => {
  await using bed = await PastaBed.create();
  const { lab, guest } = bed;
  await bed.start([
    "-t",
    "8000-8001:7000-7001",
    "-u",
    "8000-8000:7000-7000",
    "-t",
    `${HOST_LINK.v4}/9000-9000:7000-7000`,
  ]);
  await lab.start(guest, ["python3", "-uc", SHOW_CLIENTS]).line("stdout", /^ready$/);
  const seen = async (from: "world" | "host", network: string, host: string, port = 8000) => {
    const { stdout, stderr } = await lab[from].run(["python3", "-c", ASK, network, host, String(port)]);
    return stdout.trim() || stderr;
  };
  for (const network of ["tcp", "udp"]) {
    assertEquals(await seen("world", network, HOST_LINK.v4), WORLD_LINK.v4, `${network}: the world, IPv4`);
    assertEquals(await seen("world", network, HOST_LINK.v6), WORLD_LINK.v6, `${network}: the world, IPv6`);
    assertEquals(await seen("host", network, "127.0.0.1"), WORLD_LINK.v4, `${network}: loopback is the gateway`);
    assertEquals(await seen("host", network, "::1"), WORLD_LINK.v6, `${network}: loopback is the gateway, IPv6`);
    assertEquals(await seen("host", network, HOST_LINK.v4), PODMAN_HOST, `${network}: the host by its address`);
  }
  assertEquals(await seen("host", "tcp", HOST_LINK.v4, 9000), PODMAN_HOST, "bound to an address");
  assertMatch(await seen("host", "tcp", "127.0.0.1", 9000), /refused/, "not on others");
  assertMatch(await seen("host", "tcp", "127.0.0.1", 8001), /reset/, "nothing listens in the guest");
});

e2e("pasta: the daemon ends with the path of its guest, or by SIGTERM; others are left alone", async () => {
  await using bed = await PastaBed.create();
  const { lab, guest } = bed;
  const first = await bed.start(["-t", "8000-8000:80-80"]);
  const fds = (await run(["ls", "-l", `/proc/${first}/fd`])).stdout;
  for (const fd of [0, 1]) assertMatch(fds, new RegExp(` ${fd} -> /dev/null$`, "m"), `descriptor ${fd}`);
  await run(["kill", "-TERM", String(first)]);
  await ended(first);
  await until("the end of eth0", 5_000, async () => (await guest.run(["ip", "link", "show", "eth0"])).code !== 0);
  const second = await bed.start(["-t", "8000-8000:80-80"]);
  const other = await lab.guest();
  await run(["ip", "netns", "delete", other.name]);
  await startServers(lab, guest, [HOST_LINK.v4]);
  const page = await lab.world.run(["curl", "-sS", "--max-time", "10", `http://${HOST_LINK.v4}:8000/`]);
  assertMatch(page.stdout, /^Hello, /, "another namespace's end is none of its business");
  await run(["ip", "netns", "delete", guest.name]);
  await ended(second);
});

e2e("pasta: a taken port, an unknown option and other mistakes have status 1, and leave nothing behind", async () => {
  await using bed = await PastaBed.create();
  const { lab, guest } = bed;
  await startServers(lab, lab.host, [HOST_LINK.v4]);
  const netns = ["--config-net", "--netns", guest.path];
  const taken = await bed.run([...netns, "-t", "80-80:80-80"]);
  assertEquals(taken.code, 1, "a taken port");
  assertMatch(taken.stderr, /[Aa]ddress already in use/);
  const { stdout } = await lab.host.run(["ss", "-tulnp"]);
  assert(!stdout.includes("deno"), `no process stays behind: ${stdout}`);
  const unknown = await bed.run([...netns, "--bogus"]);
  assertEquals(unknown.code, 1, "an unknown option");
  assertStringIncludes(unknown.stderr, "unrecognized option '--bogus'");
  const nowhere = await bed.run(["--config-net", "--netns", "/run/netns/nowhere"]);
  assertEquals(nowhere.code, 1, "no such namespace");
  assertMatch(nowhere.stderr, /\/run\/netns\/nowhere/);
  const version = await bed.run(["--version"]);
  assertEquals(version.code, 0, "--version");
  assertMatch(version.stdout, /^pasta slirpnetstack /);
});

e2e("pasta: the gateway is the host's loopback, with other addresses, by a process id, in the foreground", async () => {
  await using bed = await PastaBed.create();
  const { lab, guest } = bed;
  await startServers(lab, lab.host, ["127.0.0.1"]);
  const sleeper = lab.start(guest, ["sleep", "999"]);
  await bed.startWith([
    ..."--stderr --ns-ifname=tap0 --mtu=1500 --config-net --address=10.0.2.100 --netmask=24 --gateway=10.0.2.2".split(
      " ",
    ),
    ..."--dns-forward=10.0.2.3 --ipv4-only --tcp-ports=auto --udp-ports=auto".split(" "),
    String(sleeper.pid),
  ]);
  const { stdout } = await bed.inGuest(`
    ip -o address show dev tap0; ip route; ip link show tap0; ${CURL} ${url(WORLD.v4)} http://10.0.2.2/`);
  assertStringIncludes(stdout, "inet 10.0.2.100/24 brd 10.0.2.255");
  assertStringIncludes(stdout, "default via 10.0.2.2 dev tap0");
  assertStringIncludes(stdout, "mtu 1500");
  assert(!stdout.includes("scope global dynamic") && !stdout.includes(HOST_LINK.v6), "no IPv6");
  assertEquals(stdout.match(/^Hello, /gm)?.length, 2, `the world, and the host's loopback: ${stdout}`);
  const pid = Number(await Deno.readTextFile(bed.pidFile));
  await sleeper.stop();
  await ended(pid);
});

e2e("pasta -t auto and -u auto: ports follow what listens in the guest", async () => {
  await using bed = await PastaBed.create();
  const { lab, guest } = bed;
  const early = lab.start(guest, ["python3", "-uc", SHOW_CLIENTS]);
  await early.line("stdout", /^ready$/);
  await bed.startWith(["--config-net", "-t", "auto,~81", "-u", "auto", "--netns", guest.path]);
  const seen = async (network: string, host: string, port: number) => {
    const { stdout, stderr } = await lab.world.run(["python3", "-c", ASK, network, host, String(port)]);
    return stdout.trim() || stderr;
  };
  assertEquals(await seen("tcp", HOST_LINK.v4, 7000), WORLD_LINK.v4, "TCP, from the start on");
  assertEquals(await seen("udp", HOST_LINK.v4, 7000), WORLD_LINK.v4, "UDP, from the start on");
  assertEquals(await seen("tcp", HOST_LINK.v6, 7000), WORLD_LINK.v6, "IPv6");
  await startServers(lab, guest, [HOST_LINK.v4]);
  const page = () => lab.world.run(["curl", "-sS", "--max-time", "10", `http://${HOST_LINK.v4}/`]);
  await until("the port of a server that came later", 5_000, async () => (await page()).stdout.startsWith("Hello, "));
  await early.stop();
  await until("the end of the forward", 5_000, async () => /refused/.test(await seen("tcp", HOST_LINK.v4, 7000)));
});

e2e("pasta as rootless podman starts it: root of a user namespace, a path of its mount namespace", async () => {
  await using bed = await PastaBed.create();
  const { lab } = bed;
  const folder = `${lab.directory}/netns`, path = `${folder}/guest`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(path, "");
  const makeGuest = `unshare --net sh -c 'mount --bind /proc/self/ns/net ${path}; ip link set lo up'`;
  const root = lab.start(lab.host, [
    ...["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"],
    `${makeGuest} && echo $$ && exec sleep 1000`,
  ]);
  const [pid] = await root.line("stdout", /^\d+$/);
  const within = ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--mount", `--wd=${PROJECT}`, "--"];
  const inside = [...within, "nsenter", `--net=${path}`, "--"];
  const words =
    `--config-net -t 8000-8000:8080-8080 -t auto -u none --dns-forward ${PODMAN_DNS} -T none -U none --no-map-gw`;
  const daemon = await bed.startWith(
    [...words.split(" "), "--quiet", "--netns", path, "--map-guest-addr", PODMAN_HOST],
    lab.host,
    within,
  );
  const { stdout } = await run([...inside, "bash", "-c", `ip -o address; ${CURL} ${url(WORLD.v4)} '${url(WORLD.v6)}'`]);
  assertStringIncludes(stdout, `inet ${HOST_LINK.v4}/30 `, "the host's address");
  assertEquals(stdout.match(/^Hello, /gm)?.length, 2, `the world over both versions: ${stdout}`);
  const server = lab.adopt(Process.start([...inside, "python3", "-m", "http.server", "8080"]));
  for (const [port, what] of [[8000, "published"], [8080, "followed"]]) {
    const status = ["curl", "--silent", "--max-time", "5", "--output", "/dev/null", "--write-out", "%{http_code}"];
    const page = () => lab.world.run([...status, `http://${HOST_LINK.v4}:${port}/`]);
    await until(`a port that is ${what}`, 10_000, async () => (await page()).stdout === "200");
  }
  await server.stop();
  await run([...within, "sh", "-c", `umount ${path} && rm ${path}`]);
  await ended(daemon);
});

e2e("pasta as RootlessKit starts it: an ordinary user, the user namespace of the guest by --userns", async () => {
  await using bed = await RunBed.create();
  const { lab } = bed;
  const wait = ["sh", "-c", "ip link set lo up; echo $$; exec sleep 1000"];
  const guest = lab.adopt(Process.start(bed.asUser(["unshare", "--user", "--map-root-user", "--net", ...wait])));
  const [pid] = await guest.line("stdout", /^\d+$/);
  const pidFile = `${bed.at}/home/pid`;
  const words =
    `--stderr --ns-ifname=tap0 --mtu=65520 --config-net --address=10.0.2.100 --netmask=24 --gateway=10.0.2.2 ` +
    `--dns-forward=10.0.2.3 --no-map-gw --ipv4-only --tcp-ports=auto --udp-ports=auto ` +
    `--userns=/proc/${pid}/ns/user --netns=/proc/${pid}/ns/net`;
  const started = await run(bed.asUser([...bed.program, "pasta", "--pid", pidFile, ...words.split(" ")]));
  assertEquals(started.stderr, "", "nothing on stderr");
  assertEquals(started.code, 0, "status");
  const daemon = Number((await run(bed.asRoot(["cat", pidFile]))).stdout);
  const inside = ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--net", "--"];
  const { stdout } = await run([
    ...inside,
    "bash",
    "-c",
    `ip -o address; dig +short @10.0.2.3 world.test; ${CURL} ${url(WORLD.v4)}`,
  ]);
  assertStringIncludes(stdout, "inet 10.0.2.100/24", "the address");
  assertMatch(stdout, new RegExp(`^${WORLD.v4}$`, "m"), "a name");
  assertStringIncludes(stdout, "Hello, ", "the world");
  const server = lab.adopt(Process.start([...inside, "python3", "-m", "http.server", "8080"]));
  await until("a port that is followed", 10_000, async () => {
    const page = await lab.world.run(["curl", "--silent", "--max-time", "5", `http://${HOST_LINK.v4}:8080/`]);
    return page.code === 0;
  });
  await server.stop();
  await guest.stop();
  await ended(daemon);
});
