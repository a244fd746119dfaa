/** `-fd`: a guest at the other end of a Unix socket of each type, with every frame to it checked. */
import { GATEWAY, makeDevice } from "../../../scripts/lab/device.ts";
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { Process, run } from "../../../scripts/lab/process.ts";
import { launchProgram, PROGRAM_ENVIRONMENT, programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { clientCommand, startServers, url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { e2e, VERSIONS } from "../bed/bed.ts";
import { array, field } from "../bed/reports.ts";

const MAC = "70:71:aa:4b:29:aa";

for (const [type, mtu] of [["dgram", 1500], ["seqpacket", 1500], ["stream", 9000]] as const) {
  e2e(`-fd with a socket of type ${type}, MTU ${mtu}: ARP, ping, UDP, TCP, and right checksums`, async () => {
    await using lab = await Lab.create();
    const [servers, guest] = await Promise.all([startServers(lab), lab.guest()]);
    await makeDevice(guest, { mode: "tap", mtu });
    const flags = ["-fd", "{fd}", ...(mtu === 1500 ? [] : ["-mtu", String(mtu)])];
    const bridge = guest.start(
      ["python3", "-B", `${PROJECT}scripts/lab/bridge.py`, type, lab.host.path, ...programCommand(), ...flags],
      { cwd: PROJECT, env: PROGRAM_ENVIRONMENT },
    );
    lab.adopt(bridge);
    await bridge.line("stderr", /Slirpnetstack started/, 20_000);
    await until("the carrier of tun0", 5_000, () => guest.hasCarrier("tun0"));

    for (const version of VERSIONS) {
      const address = WORLD[version];
      await guest.check(["ping", "-c", "2", "-i", "0.01", "-w", "5", GATEWAY[version]]);
      const client = async (...words: (string | number)[]): Promise<unknown> =>
        JSON.parse(await guest.check(clientCommand(...words), { timeout: 60_000 }));
      const sizes = [1, 512, 1400, 16_385];
      assertEquals(await client("udp", address, 7, ...sizes), sizes.map((size) => ({ size, error: null })));
      assertEquals(await client("half-close", address), { bytes: 5_000_000, intact: true });
      assertEquals(await client("fin-first", address, type), { sent: 5_000_000 });
      await servers.process.line("stdout", new RegExp(`^fin-first ${type} 5000000 intact$`));
      assertEquals((await guest.run(["curl", "-sS", "--max-time", "5", url(address, "/", 9)])).code, 7);
    }
    const neighbours = await guest.check(["ip", "neigh", "show", "dev", "tun0"]);
    for (const version of VERSIONS) {
      assert(neighbours.includes(`${GATEWAY[version]} lladdr ${MAC}`), neighbours);
    }

    bridge.signal("SIGTERM");
    assertEquals(await bridge.end(), 0);
    const said = bridge.stderr.filter((line) => !line.startsWith("Check ") && !line.startsWith("Download "));
    assertEquals(said.map((line) => line.replace(/#\d+/, "#")), [
      "[+] # Slirpnetstack started",
      "[-] # Slirpnetstack closing",
    ]);
    const report: unknown = JSON.parse(bridge.stdout.at(-1)!);
    assertEquals(array(report, "bad"), []);
    for (const kind of ["arp", "icmp", "udp"]) assert(Number(field(report, kind)) > 0, JSON.stringify(report));
    assert(Number(field(report, "tcp")) > 10_000_000 / mtu, JSON.stringify(report));
  });
}

/** Attaches to a new tap of the guest's namespace, which it is started in, and becomes the program in another. */
const TAP_MAKER = `
import fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"tap3", int(sys.argv[1], 16)))  # TUNSETIFF
os.set_inheritable(tap, True)
command = [word.replace("{fd}", str(tap)) for word in sys.argv[3:]]
os.execvp("nsenter", ["nsenter", "--net=" + sys.argv[2], "--", *command])`;

for (const [kind, flags] of [["plain", "1002"], ["with IFF_VNET_HDR", "5002"]] as const) {
  e2e(`-fd with an attached tap, ${kind}: a guest that the program has no namespace of`, async () => {
    await using lab = await Lab.create();
    const [servers, guest] = await Promise.all([startServers(lab), lab.guest()]);
    const words = [...programCommand(), "-fd", "{fd}", "-mtu", "9000"];
    const maker = ["python3", "-c", TAP_MAKER, flags, lab.host.path, ...words];
    const program = lab.adopt(guest.start(maker, { cwd: PROJECT, env: PROGRAM_ENVIRONMENT }));
    await program.line("stderr", /Slirpnetstack started/, 20_000);
    await guest.ip(`
      link set tap3 mtu 9000 up
      address add 10.0.2.100/24 dev tap3
      address add fd00::100/64 dev tap3 nodad
      route add default via 10.0.2.2
      route add default via fd00::2`);
    for (const version of VERSIONS) {
      const report: unknown = JSON.parse(await guest.check(clientCommand("half-close", WORLD[version])));
      assertEquals(report, { bytes: 5_000_000, intact: true });
      await guest.check(clientCommand("fin-first", WORLD[version], flags));
      await servers.process.line("stdout", new RegExp(`^fin-first ${flags} 5000000 intact$`));
    }
    await guest.ip("link delete tap3");
    assertEquals(await program.end(), 1);
    assertMatch(program.stderr.at(-1)!, /^\[!\] No more frames from tap3: /);
  });
}

/** A guest that connects to the program, asks for an address by ARP (RFC 826), and ends. */
const BESS_CLIENT = `
import os, socket, sys, time
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
while client.connect_ex(sys.argv[1]) != 0: time.sleep(0.01)
client.settimeout(10)
client.send(bytes.fromhex("ffffffffffff5254000000010806 0001080006040001525400000001 0a000264 000000000000 0a000202"))
while (frame := client.recv(2000))[12:14] != b"\\x08\\x06": pass
print(frame[20:22].hex(), frame[28:32].hex())`;

e2e("-bess: waits for the guest, then each message is a frame; a signal ends the wait", async () => {
  await using lab = await Lab.create();
  const path = `${lab.directory}/uml.sock`;
  const waiting = lab.adopt(launchProgram(lab.host, ["-bess", path]));
  await waiting.line("stderr", /^\[\.\] Waiting for the guest on /, 20_000);
  assertEquals(await waiting.stop(), 0);
  const program = lab.adopt(launchProgram(lab.host, ["-bess", path]));
  await program.line("stderr", /^\[\.\] Waiting for the guest on /, 20_000);
  const { stdout, stderr } = await run(["python3", "-c", BESS_CLIENT, path]);
  assertEquals(stdout, "0002 0a000202\n", stderr);
  assertEquals(await program.end(), 1);
  assertMatch(program.stderr.at(-1)!, /^\[!\] No more frames from fd \d+: the other side of fd \d+ has closed it$/);
});

/**
 * The other end of the program's socket, which it closes when stdin ends. The kernel tells the writer of a datagram
 * socket, but not its reader: so the program is stopped meanwhile, and has a question to answer when it continues.
 */
const CLOSING_PEER = `
import os, signal, socket, subprocess, sys
ours, its = socket.socketpair(socket.AF_UNIX, getattr(socket, sys.argv[1]))
command = [word.replace("{fd}", str(its.fileno())) for word in sys.argv[2:]]
with its:
    program = subprocess.Popen(command, pass_fds=[its.fileno()])
sys.stdin.read()
program.send_signal(signal.SIGSTOP)
os.waitpid(program.pid, os.WUNTRACED)
if sys.argv[1] == "SOCK_DGRAM":  # an ARP request for 10.0.2.2, RFC 826
    ours.send(bytes.fromhex("ffffffffffff5254000000010806 0001080006040001525400000001 0a000264 000000000000 0a000202"))
ours.close()
program.send_signal(signal.SIGCONT)
sys.exit(program.wait())`;

for (const type of ["dgram", "seqpacket", "stream"]) {
  e2e(`-fd with a socket of type ${type} whose other end is closed: a line, and a status that is not 0`, async () => {
    const flags = ["-fd", "{fd}", "-exit-with-parent"]; // its parent is the peer, which a failed test would end
    const words = [`SOCK_${type.toUpperCase()}`, ...programCommand(), ...flags];
    const options = { cwd: PROJECT, env: PROGRAM_ENVIRONMENT };
    await using peer = Process.start(["python3", "-c", CLOSING_PEER, ...words], options);
    await peer.line("stderr", /Slirpnetstack started/, 20_000);
    await peer.sayEnd();
    assertEquals(await peer.end(), 1);
    assertMatch(peer.stderr.at(-1)!, /^\[!\] No more frames from fd (\d+): the other side of fd \1 has closed it$/);
  });
}
