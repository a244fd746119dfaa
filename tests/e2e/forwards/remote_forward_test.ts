/** Remote forwards: the guest's clients reach the host's services at addresses in the guest's network. */
import { DEFAULT_LIMITS } from "../../../forward/limits/limits.ts";
import { GATEWAY, GUEST } from "../../../scripts/lab/device.ts";
import { WORLD } from "../../../scripts/lab/lab.ts";
import { launchProgram } from "../../../scripts/lab/program.ts";
import { both } from "../../../scripts/lab/services.ts";
import { openDescriptors, openSockets } from "../../../scripts/lab/usage.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals } from "../../assert.ts";
import { Bed, e2e, kindName, KINDS, VERSIONS } from "../bed/bed.ts";
import {
  bracketed,
  client,
  ForwardBed,
  forwardsCommand,
  keepOrder,
  LOOPBACK,
  ports,
  startNames,
} from "../bed/forward_bed.ts";
import { escape, field } from "../bed/reports.ts";

const forwards = new ForwardBed("host");

/** Each pair of a bind address's and a target's version. */
const FAMILIES = VERSIONS.flatMap((from) => VERSIONS.map((to) => ({ from, to })));

/** Forwards of that network from addresses of each version to the host's loopback of each version. */
function flags(network: string, port: number): string[] {
  return FAMILIES.flatMap(({ from, to }, i) => [
    "-R",
    `${network}://${bracketed(GATEWAY[from])}:${100 + i}:${bracketed(LOOPBACK[to])}:${port}`,
  ]);
}

/** The rest of a connection's line behind the network, for that forward. */
function line(from: "v4" | "v6", to: "v4" | "v6", bound: number, port: number): string {
  const [guest, gateway, loopback] = [GUEST[from], GATEWAY[from], LOOPBACK[to]].map((a) => escape(bracketed(a)));
  return `://${guest}:\\d+-${gateway}:${bound}/${loopback}:\\d+-${loopback}:${port} remote-fwd conn`;
}

e2e("tcp: echo through a forward of each pair of families, with its lines", async () => {
  const bed = await forwards.with(...flags("tcp", 9100));
  for (const [i, { from, to }] of FAMILIES.entries()) {
    assertEquals(bed.program.stdout[i], `[+] Accepting on remote side tcp://${GATEWAY[from]}:${100 + i}`);
    const seen = await client(bed.guest, "ask", GATEWAY[from], 100 + i);
    assertEquals(field(seen, "tcp"), LOOPBACK[to]);
    const ends = line(from, to, 100 + i, 9100);
    await bed.program.line("stdout", new RegExp(`^\\[\\+\\] tcp${ends} new$`), 5_000);
    const done = await bed.program.line(
      "stdout",
      new RegExp(`^\\[-\\] tcp${ends} done: l=(\\S+)/0 r=(\\S+)/0$`),
      5_000,
    );
    assertEquals(done.slice(1), ["[EOF]", "EOF"]);
  }
});

e2e("udp and udprpc: echo through a forward of each pair of families, with its lines", async () => {
  for (const network of ["udp", "udprpc"]) {
    const bed = await forwards.with(...flags(network, 9100));
    const sockets = openSockets(bed.program.pid);
    for (const [i, { from, to }] of FAMILIES.entries()) {
      assertEquals(bed.program.stdout[i], `[+] Accepting on remote side udp://${GATEWAY[from]}:${100 + i}`);
      const seen = await client(bed.guest, "ask-udp", GATEWAY[from], 100 + i);
      assertEquals(field(seen, "udp"), LOOPBACK[to], "udp");
      assertEquals(field(seen, "alone"), true, "alone");
      const ends = line(from, to, 100 + i, 9100);
      await bed.program.line("stdout", new RegExp(`^\\[\\+\\] udp${ends} new$`), 5_000);
      if (network === "udprpc") {
        await bed.program.line("stdout", new RegExp(`^\\[-\\] udp${ends} done: l=0/0 r=\\[EOF\\]/0$`), 5_000);
      }
      assertEquals(openSockets(bed.program.pid), sockets + (network === "udp" ? i + 1 : 0));
    }
  }
});

e2e("datagrams of 1 to 65,507 bytes keep their boundaries, and bursts their order", async () => {
  const bed = await forwards.with(...flags("udp", 7), "-R", "udp://9100");
  const sizes = [1, 1400, 16_385, 65_507];
  for (const [i, { from }] of FAMILIES.entries()) {
    const report = await bed.client("udp", GATEWAY[from], 100 + i, ...sizes);
    assertEquals(report, sizes.map((size) => ({ size, error: null })));
  }
  await keepOrder(bed);
  assertEquals(await client(bed.guest, "crowd", GATEWAY.v4, 9100, 50, 4), { complete: 50, errors: [] });
});

e2e("30 MB each way arrive intact; FIN is FIN and reset is reset", async () => {
  const ports = [80, 9003, 9004, 9005, 9006];
  // the same by a name, whose connections are accepted before the host's is established
  for (const [target, gateway] of [["127.0.0.1", GATEWAY.v4], ["localhost", "10.0.2.3"]] as const) {
    const bed = await forwards.with(...ports.flatMap((port) => ["-R", `${gateway}:${port}:${target}:${port}`]));
    const curl = ["curl", "-sS", "--max-time", "25", `http://${gateway}/blob`];
    const digest = await bed.guest.check(["sh", "-c", `${curl.join(" ")} | tee ${bed.lab.directory}/blob | sha256sum`]);
    const posted = await bed.guest.check([...curl, "-H", "Expect:", "--data-binary", `@${bed.lab.directory}/blob`]);
    assertEquals(digest.split(" ")[0], posted);
    assertEquals(await bed.client("half-close", gateway), { bytes: 5_000_000, intact: true });
    assertEquals(await bed.client("fin-first", gateway, target), { sent: 5_000_000 });
    assertEquals(await bed.client("reset-by-server", gateway), { error: "ECONNRESET" });
    await bed.client("reset", gateway, target);
    await forwards.services.line("stdout", new RegExp(`^fin-first ${target} 5000000 intact$`));
    await forwards.services.line("stdout", new RegExp(`^watch ${target} reset$`));
  }
});

for (const [kind, sockets] of [...KINDS.map((kind) => [kind, "libc"] as const), [KINDS[0], "deno"] as const]) {
  e2e(`${kindName(kind)}, -sockets ${sockets}: forwards both ways`, async () => {
    const own = ["-sockets", sockets];
    await using bed = await Bed.create(kind, [...own, "-R", `udp://9100:${WORLD.v4}:7`, "-R", `9100:[${WORLD.v6}]:7`]);
    assertEquals(
      await bed.client("udp", GATEWAY.v4, 9100, 1, 60_000),
      [1, 60_000].map((size) => ({ size, error: null })),
    );
    assertEquals(field(await bed.client("connect", GATEWAY.v6, 9100), "error"), null);
    await bed.lab.start(bed.guest, forwardsCommand("serve", GUEST.v4, GUEST.v6)).line("stdout", /^ready$/);
    await bed.restart([...own, "-L", "9100", "-L", "udp://[::1]:9100"]);
    assertEquals(field(await client(bed.lab.host, "ask", LOOPBACK.v4, 9100), "tcp"), GATEWAY.v4);
    assertEquals(field(await client(bed.lab.host, "ask-udp", LOOPBACK.v6, 9100), "udp"), GATEWAY.v6);
  });
}

e2e("any address and port is open whatever the policy says, and no others", async () => {
  const addresses = ["192.0.2.5", "10.0.2.77", "169.254.7.7", WORLD.v4, "2001:db8:5::5", "fd00::77", "64:ff9b::1"];
  const bed = await forwards.with(
    ...["-disable-routing", "-deny", "0.0.0.0/0,udp://0.0.0.0/0,tcp://[::]/0,udp://[::]/0"],
    ...addresses.flatMap((address) =>
      ["tcp", "udp"].flatMap((network) => ["-R", `${network}://${bracketed(address)}:80:127.0.0.1:9100`])
    ),
  );
  for (const address of addresses) {
    assertEquals(field(await client(bed.guest, "ask", address, 80), "tcp"), LOOPBACK.v4, address);
    assertEquals(field(await client(bed.guest, "ask-udp", address, 80), "udp"), LOOPBACK.v4, address);
    assertEquals(field(await bed.client("connect", address, 81), "error"), "ECONNREFUSED", address);
  }
});

e2e("parts that are left out take their defaults; port 0 is any free port, and printed", async () => {
  const bed = await forwards.with(
    ...["-R", "9100", "-R", "udp://[fd00::2]:0::9100", "-R", "udp://:0::9100", "-R", "81:localhost:9100"],
    ...["-R", "82:[::1]:9100", "-R", "localhost:83"],
  );
  const at = ports(bed);
  assertEquals(bed.program.stdout.slice(0, 6).map((line) => line.replace("[+] Accepting on remote side ", "")), [
    "tcp://10.0.2.2:9100",
    `udp://fd00::2:${at[1]}`,
    `udp://10.0.2.2:${at[2]}`,
    "tcp://10.0.2.2:81",
    "tcp://fd00::2:82",
    "tcp://127.0.0.1:83",
  ]);
  assert(at[1] > 0 && at[2] > 0);
  assertEquals(field(await client(bed.guest, "ask", GATEWAY.v4, 9100), "tcp"), LOOPBACK.v4);
  assertEquals(field(await client(bed.guest, "ask-udp", GATEWAY.v6, at[1]), "udp"), LOOPBACK.v6);
  assertEquals(field(await client(bed.guest, "ask-udp", GATEWAY.v4, at[2]), "udp"), LOOPBACK.v4);
  assertEquals(field(await client(bed.guest, "ask", GATEWAY.v4, 81), "tcp"), LOOPBACK.v4);
  assertEquals(field(await client(bed.guest, "ask", GATEWAY.v6, 82), "tcp"), LOOPBACK.v6);
});

e2e("the host refuses: a target by address refuses too, one by name has accepted and resets", async () => {
  const bed = await forwards.with("-R", "81:127.0.0.1:9", "-R", "82:localhost:9", "-R", "udp://83:127.0.0.1:9");
  assertEquals(field(await bed.client("connect", GATEWAY.v4, 81), "error"), "ECONNREFUSED");
  const report = await client(bed.guest, "pieces", GATEWAY.v4, 82, "00", "end");
  assertEquals(report, { answer: "", error: "ECONNRESET" });
  for (const port of [81, 82]) {
    const who = `tcp://10\\.0\\.2\\.100:\\d+-10\\.0\\.2\\.2:${port}/127\\.0\\.0\\.1:9`;
    const error = `^\\[!\\] ${who} remote-fwd conn error: l=0/0 r=\\[connection refused.*\\]/0$`;
    await bed.program.line("stdout", new RegExp(error), 5_000);
  }
  const answers = await client(bed.guest, "datagrams", GATEWAY.v4, 83, "00", "00");
  assertEquals(answers, { answers: ["ECONNREFUSED", "ECONNREFUSED"] });
});

for (const address of [LOOPBACK.v4, LOOPBACK.v6]) {
  e2e(`a service record of the name server at ${address}, asked again after -dns-ttl`, async () => {
    const records = { "tcp.echo": "localhost:9100", "udp.echo": `${LOOPBACK.v4}:9100` };
    const names = await startNames(await forwards.get(), records, { address });
    const server = address === LOOPBACK.v4 ? String(names.port) : `[::1]:${names.port}`;
    const at = (name: string) => address === LOOPBACK.v4 ? `${name}@srv-${server}` : `[${name}@srv-${server}]`;
    const remote = ["-R", `tcp://:2222:${at("tcp.echo")}:0`, "-R", `udp://:2222:${at("udp.echo")}:0`];
    const asked = () => names.process.stdout.filter((line) => /^asked \S+ 33$/.test(line)).length;
    for (const [ttl, questions] of [["0", 5], ["1h", 2]] as const) {
      const before = asked();
      const bed = await forwards.with(`-dns-ttl=${ttl}`, ...remote);
      for (let i = 0; i < 3; i++) {
        assertEquals(field(await client(bed.guest, "ask", GATEWAY.v4, 2222), "tcp"), LOOPBACK.v4);
      }
      for (let i = 0; i < 2; i++) {
        assertEquals(field(await client(bed.guest, "ask-udp", GATEWAY.v4, 2222), "udp"), LOOPBACK.v4);
      }
      assertEquals(asked() - before, questions, `-dns-ttl=${ttl}`);
      await bed.program.line("stdout", /^\[\+\] tcp:.*\/127\.0\.0\.1:\d+-127\.0\.0\.1:9100 remote-fwd conn new$/);
      await bed.program.line("stdout", /^\[\+\] udp:.*\/127\.0\.0\.1:\d+-127\.0\.0\.1:9100 remote-fwd conn new$/);
    }
    await names.process.stop();
  });
}

e2e("data that a guest sends during a name lookup is neither lost nor reordered", async () => {
  const names = await startNames(await forwards.get(), { "slow.echo": "127.0.0.1:9100" }, { delay: 0.4 });
  const server = `slow.echo@srv-${names.port}:0`;
  const bed = await forwards.with("-R", `udp://91:${server}`, "-R", `92:${server}`, "-R", `udprpc://93:${server}`);
  await keepOrder(bed);
  assertEquals(await client(bed.guest, "crowd", GATEWAY.v4, 91, 10, 20), { complete: 10, errors: [] });
  assertEquals(field(await client(bed.guest, "ask", GATEWAY.v4, 92), "tcp"), LOOPBACK.v4);
  const connected = await bed.client("connect", GATEWAY.v4, 92);
  assertEquals(field(connected, "error"), null);
  assert(Number(field(connected, "seconds")) < 0.2, "it was not accepted at once");
  await names.process.stop();
});

e2e("no answer from the name server: accepted, reset, and a line; the start does not wait for it", async () => {
  const bed = await forwards.with("-R", "tcp://:2222:tcp.echo@srv-1:0", "-R", "udp://:2222:udp.echo@srv-1:0");
  const report = await client(bed.guest, "pieces", GATEWAY.v4, 2222, "00", "end");
  assertEquals(report, { answer: "", error: "ECONNRESET" });
  await client(bed.guest, "datagrams", GATEWAY.v4, 2222, "00");
  for (const network of ["tcp", "udp"]) {
    const who = `${network}://10\\.0\\.2\\.100:\\d+-10\\.0\\.2\\.2:2222/${network}\\.echo@srv-1-failed`;
    const why = `dns lookup error of ${network} addr: Failed to lookup SRV "${network}\\.echo" on "127\\.0\\.0\\.1:1"`;
    await bed.program.line("stdout", new RegExp(`^\\[!\\] ${who} remote-fwd ${why}$`));
  }
});

e2e("a bind name without an address ends the start with status 246 and a line", async () => {
  const bed = await forwards.with();
  await bed.program.stop();
  for (
    const [flag, reason] of [
      ["tcp://tcp.echo@srv-1:0::2222", 'tcp addr: Failed to lookup SRV "tcp.echo" on "127.0.0.1:1"'],
      ["udp://[u@srv-[::1]:1]:0::2222", 'udp addr: Failed to lookup SRV "u" on "[::1]:1"'],
      ["no-such-name.invalid:80", "tcp addr: lookup no-such-name.invalid: "],
    ]
  ) {
    await using program = launchProgram(bed.lab.host, ["-netns", bed.guest.path, "-L", "5001", "-R", flag!]);
    assertEquals(await program.end(20_000), 246, program.stderr.join("\n"));
    const line = `[!] Failed to resolve bind address. dns lookup error of ${reason}`;
    assertEquals(program.stderr.length, 3, "stderr");
    assertEquals(program.stderr[2].slice(0, line.length), line, "stderr");
    assertEquals(program.stdout, ["[+] local-fwd Local listen tcp://127.0.0.1:5001"]);
  }
});

/** ms between two counts of descriptors: counting four thousand takes some. */
const SAMPLING = 100;
/** Descriptors that the program has open for a moment: the runtime opens files, and sockets close with a delay. */
const PASSING_DESCRIPTORS = 8;

/** Makes the guest do 50,000 exchanges, each from another port. Returns the most descriptors that the program had. */
async function exchange({ guest, program }: Bed, address: string, port: number): Promise<number> {
  let most = 0;
  const timer = setInterval(() => most = Math.max(most, openDescriptors(program.pid)), SAMPLING);
  try {
    assertEquals(await client(guest, "exchanges", address, port, 50_000), { answered: 50_000 });
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, openDescriptors(program.pid));
}

e2e("50,000 exchanges through a udprpc forward, each from another port, use one descriptor at a time", async () => {
  const bed = await forwards.with("-quiet", "-R", "udprpc://53:127.0.0.1:7");
  const before = openDescriptors(bed.program.pid);
  const most = await exchange(bed, GATEWAY.v4, 53);
  assert(most <= before + PASSING_DESCRIPTORS, `${most} descriptors, ${before} before`);
  await until("all descriptors to be closed", 5_000, () => openDescriptors(bed.program.pid) <= before);
});

e2e("100,000 routed exchanges, each from another address and port, use no more descriptors than allowed", async () => {
  const bed = await forwards.with("-quiet");
  const before = openDescriptors(bed.program.pid), limit = DEFAULT_LIMITS.udpAssociations;
  for (const address of both(WORLD)) {
    const most = await exchange(bed, address, 7);
    assert(
      most >= before + limit && most <= before + limit + PASSING_DESCRIPTORS,
      `${most} descriptors, ${before} before`,
    );
  }
});
