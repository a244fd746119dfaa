/** Local forwards: clients on the host reach services in the guest. */
import { GATEWAY, GUEST } from "../../../scripts/lab/device.ts";
import { HOST_LINK, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { launchProgram } from "../../../scripts/lab/program.ts";
import { openDescriptors, openSockets } from "../../../scripts/lab/usage.ts";
import { until } from "../../../scripts/lab/until.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { type Bed, e2e, VERSIONS } from "../bed/bed.ts";
import {
  bracketed,
  client,
  ForwardBed,
  hostClient,
  keepOrder,
  LOOPBACK,
  ports,
  simpleProxyHeader,
  startNames,
} from "../bed/forward_bed.ts";
import { array, escape, field, hex, text, unhex } from "../bed/reports.ts";

const forwards = new ForwardBed("guest");

/** Each pair of a listener's and a target's version. */
const FAMILIES = VERSIONS.flatMap((from) => VERSIONS.map((to) => ({ from, to })));

/** A forward of that network from the loopback of one version to the guest's address of another. */
function flags(network: string, port: number): string[] {
  return FAMILIES.flatMap(({ from, to }) => [
    "-L",
    `${network}://${bracketed(LOOPBACK[from])}:0:${bracketed(GUEST[to])}:${port}`,
  ]);
}

/** The rest of a client's line behind the network, for that loopback; `seen` is the address that the guest sees. */
function line(
  from: "v4" | "v6",
  to: "v4" | "v6",
  listener: number,
  target: number,
  seen: string = GATEWAY[to],
): string {
  const [loopback, local, guest] = [LOOPBACK[from], seen, GUEST[to]].map((a) => escape(bracketed(a)));
  return `://${loopback}:\\d+-${loopback}:${listener}/${local}:\\d+-${guest}:${target} local-fwd`;
}

e2e("tcp: echo through a forward of each pair of families, with its lines", async () => {
  const bed = await forwards.with(...flags("tcp", 9100));
  for (const [i, { from, to }] of FAMILIES.entries()) {
    const port = ports(bed)[i];
    assertEquals(bed.program.stdout[i], `[+] local-fwd Local listen tcp://${bracketed(LOOPBACK[from])}:${port}`);
    const first = bed.program.stdout.length;
    const seen = await client(bed.lab.host, "ask", LOOPBACK[from], port);
    assertEquals(field(seen, "tcp"), GATEWAY[to]);
    const ends = line(from, to, port, 9100);
    await bed.program.line("stdout", new RegExp(`^\\[\\+\\] tcp${ends} conn$`), 5_000, first);
    const done = new RegExp(`^\\[-\\] tcp${ends} done: l=(\\S+)/0 r=(\\S+)/0$`);
    assertEquals((await bed.program.line("stdout", done, 5_000, first)).slice(1), ["[EOF]", "EOF"]);
  }
});

e2e("udp and udprpc: echo through a forward of each pair of families, with its lines", async () => {
  for (const network of ["udp", "udprpc"]) {
    const bed = await forwards.with(...flags(network, 9100));
    for (const [i, { from, to }] of FAMILIES.entries()) {
      const port = ports(bed)[i];
      assertEquals(bed.program.stdout[i], `[+] local-fwd Local listen udp://${bracketed(LOOPBACK[from])}:${port}`);
      const seen = await client(bed.lab.host, "ask-udp", LOOPBACK[from], port);
      assertEquals(field(seen, "udp"), GATEWAY[to], "udp");
      assertEquals(field(seen, "alone"), true, "alone");
      await bed.program.line("stdout", new RegExp(`^\\[\\+\\] udp${line(from, to, port, 9100)} conn$`), 5_000);
      if (network === "udp") continue;
      const done = new RegExp(`^\\[-\\] udp${line(from, to, port, 9100)} done: l=0/0 r=\\[EOF\\]/0$`);
      await bed.program.line("stdout", done, 5_000);
    }
  }
});

e2e("datagrams of 1 to 65,507 bytes keep their boundaries", async () => {
  const bed = await forwards.with(...flags("udp", 7));
  for (const [i, { from }] of FAMILIES.entries()) {
    const sizes = [1, 1400, 16_385, 65_507];
    const report = await hostClient(bed, "udp", LOOPBACK[from], ports(bed)[i], ...sizes);
    assertEquals(report, sizes.map((size) => ({ size, error: null })));
  }
});

e2e("the port alone, and the defaults of parts that are left out", async () => {
  const bed = await forwards.with(
    ...["-L", "9100", "-L", "[::1]:9100", "-L", "udp://127.3.2.1:9100", "-L", "udp://:0:[fd00::100]:9100"],
    ...["-L", "udp://:0::9100", "-L", "localhost:0::9100", "-L", "tcp://[::1]:0::9100"],
  );
  const listening = bed.program.stdout.slice(0, 7).map((text) => text.replace(/^.*listen /, ""));
  const at = ports(bed);
  assertEquals(listening, [
    "tcp://127.0.0.1:9100",
    "tcp://[::1]:9100",
    "udp://127.3.2.1:9100",
    `udp://[::1]:${at[3]}`,
    `udp://127.0.0.1:${at[4]}`,
    `tcp://127.0.0.1:${at[5]}`,
    `tcp://[::1]:${at[6]}`,
  ]);
  const { host } = bed.lab;
  assertEquals(field(await client(host, "ask", "127.0.0.1", 9100), "tcp"), GATEWAY.v4);
  assertEquals(field(await client(host, "ask", "::1", 9100), "tcp"), GATEWAY.v6);
  assertEquals(field(await client(host, "ask-udp", "127.3.2.1", 9100), "udp"), GATEWAY.v4);
  assertEquals(field(await client(host, "ask-udp", "::1", at[3]), "udp"), GATEWAY.v6);
  assertEquals(field(await client(host, "ask-udp", "127.0.0.1", at[4]), "udp"), GATEWAY.v4);
  assertEquals(field(await client(host, "ask", "127.0.0.1", at[5]), "tcp"), GATEWAY.v4);
  assertEquals(field(await client(host, "ask", "::1", at[6]), "tcp"), GATEWAY.v6);
});

e2e("the guest sees a client's real address, but not where that would mislead it", async () => {
  const wildcards = ["0.0.0.0", "[::]"].flatMap((any) =>
    ["tcp", "udp"].flatMap((network) =>
      VERSIONS.flatMap((to) => ["-L", `${network}://${any}:0:${bracketed(GUEST[to])}:9100`])
    )
  );
  const bed = await forwards.with(...wildcards);
  const { host, world } = bed.lab;
  assert(bed.program.stdout.slice(0, 8).every((text) => /listen (tcp|udp):\/\/\[::\]:\d+$/.test(text)));
  const all = ports(bed);
  for (const [i, network] of ["tcp", "tcp", "udp", "udp", "tcp", "tcp", "udp", "udp"].entries()) {
    const to = VERSIONS[i % 2], other = VERSIONS[1 - i % 2];
    const ask = network === "tcp" ? "ask" : "ask-udp", port = all[i];
    const seen = async (...words: Parameters<typeof client>) => field(await client(...words), network);
    assertEquals(await seen(world, ask, HOST_LINK[to], port), WORLD_LINK[to]);
    assertEquals(await seen(host, ask, HOST_LINK[to], port), HOST_LINK[to]);
    assertEquals(await seen(host, ask, LOOPBACK[to], port), GATEWAY[to]);
    assertEquals(await seen(world, ask, HOST_LINK[other], port), GATEWAY[to]);
  }
});

e2e("30 MB each way arrive intact; FIN is FIN and reset is reset", async () => {
  const bed = await forwards.with("-L", "80", ...[9003, 9004, 9005, 9006].flatMap((port) => ["-L", String(port)]));
  const { host } = bed.lab;
  const curl = ["curl", "-sS", "--max-time", "25", "http://127.0.0.1/blob"];
  const digest = await host.check(["sh", "-c", `${curl.join(" ")} | tee ${bed.lab.directory}/blob | sha256sum`]);
  const posted = await host.check([...curl, "-H", "Expect:", "--data-binary", `@${bed.lab.directory}/blob`]);
  assertEquals(digest.split(" ")[0], posted);
  assertEquals(await hostClient(bed, "half-close", "127.0.0.1"), { bytes: 5_000_000, intact: true });
  assertEquals(await hostClient(bed, "fin-first", "127.0.0.1", "local"), { sent: 5_000_000 });
  assertEquals(await hostClient(bed, "reset-by-server", "127.0.0.1"), { error: "ECONNRESET" });
  await hostClient(bed, "reset", "127.0.0.1", "local");
  await forwards.services.line("stdout", /^fin-first local 5000000 intact$/);
  await forwards.services.line("stdout", /^watch local reset$/);
});

e2e("300 TCP clients at once through one forward leave nothing behind", async () => {
  const bed = await forwards.with("-L", "7");
  const { program } = bed;
  assertEquals(await hostClient(bed, "echo", "127.0.0.1", 1, "in-turn"), { echoed: 1, errors: [] });
  await until("the first one's end", 5_000, () => lines(bed, "done").length === 1);
  const descriptors = openDescriptors(program.pid);
  assertEquals(await hostClient(bed, "echo", "127.0.0.1", 300, "at-once"), { echoed: 300, errors: [] });
  await until("as many ends", 5_000, () => lines(bed, "done").length === 301);
  assertEquals(lines(bed, "conn").length, 301);
  await until("their descriptors to be closed", 5_000, () => openDescriptors(program.pid) <= descriptors);
});

e2e(
  "50 UDP clients at once through one forward: each gets all of its own answers, in order, and no other",
  async () => {
    for (const network of ["udp", "udp://[::1]:0:10.0.2.100"]) {
      const flag = network === "udp" ? "udp://0:10.0.2.100:9100" : `${network}:9100`;
      const bed = await forwards.with("-L", flag);
      await keepOrder(bed);
      const address = network === "udp" ? "127.0.0.1" : "::1";
      assertEquals(await client(bed.lab.host, "crowd", address, ports(bed)[0], 50, 10), { complete: 50, errors: [] });
      assertEquals(lines(bed, "conn").length, 50);
    }
  },
);

e2e("udprpc: an exchange leaves nothing after its answer", async () => {
  const bed = await forwards.with("-L", "udprpc://9100");
  const sockets = openSockets(bed.program.pid);
  assertEquals(await client(bed.lab.host, "crowd", "127.0.0.1", 9100, 500, 1), { complete: 500, errors: [] });
  await until("as many ends", 5_000, () => lines(bed, "done").length === 500);
  assertEquals(lines(bed, "conn").length, 500, "lines about connections");
  assertEquals(openSockets(bed.program.pid), sockets, "open sockets");
});

e2e("a client whose call the guest refuses is reset, and there is a line", async () => {
  const bed = await forwards.with(...flags("tcp", 9));
  for (const [i, { from, to }] of FAMILIES.entries()) {
    const port = ports(bed)[i];
    const report = await client(bed.lab.host, "pieces", LOOPBACK[from], port, "00", "end");
    assertEquals(report, { answer: "", error: "ECONNRESET" });
    const ends = `${escape(bracketed(LOOPBACK[from]))}:\\d+-${escape(bracketed(LOOPBACK[from]))}:${port}`;
    const target = escape(bracketed(GUEST[to]));
    const error = `^\\[!\\] tcp://${ends}/${target}:9 local-fwd error: l=0/0 r=\\[connection refused\\]/0$`;
    await bed.program.line("stdout", new RegExp(error), 5_000);
  }
});

/** A client that a proxy names and the address that the client has sent to, for each version. */
const NAMED = { v4: ["1.2.3.4", "4.3.2.1"], v6: ["2001:db8:99::1", "2001:db8::1"] } as const;

e2e("tcppp: a forward of each pair of families takes a header of each, with its lines", async () => {
  const bed = await forwards.with(...flags("tcppp", 9100));
  for (const [i, { from, to }] of FAMILIES.entries()) {
    const port = ports(bed)[i];
    assertEquals(bed.program.stdout[i], `[+] local-fwd Local PP listen tcp://${bracketed(LOOPBACK[from])}:${port}`);
    for (const version of VERSIONS) {
      const [source, destination] = NAMED[version], seen = version === to ? source : GATEWAY[to];
      const first = bed.program.stdout.length;
      const header = hex(`PROXY TCP${version[1]} ${source} ${destination} 1 2\r\n`);
      const report = await client(bed.lab.host, "pieces", LOOPBACK[from], port, header);
      assertMatch(text(report, "answer"), new RegExp(`^${escape(seen)} \\d+\\nping$`));
      const ends = line(from, to, port, 9100, seen);
      await bed.program.line("stdout", new RegExp(`^\\[\\+\\] tcp${ends} PP conn$`), 5_000, first);
      const done = new RegExp(`^\\[-\\] tcp${ends} PP done: l=\\[EOF\\]/0 r=EOF/0$`);
      await bed.program.line("stdout", done, 5_000, first);
    }
  }
});

e2e("udpspp: a forward of each pair of families takes a header of each, with its lines", async () => {
  // so that each ends the one before
  const bed = await forwards.with("-max-udp-associations=1", ...flags("udpspp", 9100));
  const over: RegExp[] = [];
  for (const [i, { from, to }] of FAMILIES.entries()) {
    const port = ports(bed)[i];
    assertEquals(bed.program.stdout[i], `[+] local-fwd Local PP listen udp://${bracketed(LOOPBACK[from])}:${port}`);
    for (const version of VERSIONS) {
      const [source, destination] = NAMED[version].map((address) => ({ address: IpAddress.parse(address), port: 1 }));
      const seen = version === to ? NAMED[version][0] : GATEWAY[to], header = simpleProxyHeader(source!, destination!);
      const first = bed.program.stdout.length;
      const report = await client(bed.lab.host, "datagrams", LOOPBACK[from], port, header + hex("one"));
      const answer = String(array(report, "answers")[0]);
      assertEquals(answer.slice(0, header.length), header);
      assertMatch(unhex(answer.slice(header.length)), new RegExp(`^${escape(seen)} \\d+\\none$`));
      const ends = line(from, to, port, 9100, seen);
      await bed.program.line("stdout", new RegExp(`^\\[\\+\\] udp${ends} PP conn$`), 5_000, first);
      for (const done of over.splice(0)) await bed.program.line("stdout", done, 5_000, first);
      over.push(new RegExp(`^\\[-\\] udp${ends} PP done: l=\\[too many associations\\]/0 r=0/0$`));
    }
  }
});

const PROXY_LINES: readonly (readonly [network: "TCP4" | "TCP6", source: string, to: "v4" | "v6", seen: string])[] = [
  ["TCP4", "1.2.3.4", "v4", "1.2.3.4"],
  ["TCP6", "2001:db8:99::1", "v6", "2001:db8:99::1"],
  ["TCP4", "1.2.3.4", "v6", GATEWAY.v6],
  ["TCP6", "2001:db8:99::1", "v4", GATEWAY.v4],
  ["TCP4", "127.0.0.5", "v4", GATEWAY.v4],
  ["TCP4", "2001:db8:99::2", "v6", "2001:db8:99::2"], // accepted, as in the Go program
];

e2e("tcppp: the guest sees the client that the PROXY header names, however it is segmented", async () => {
  const targets = VERSIONS.map((to) => ["-L", `tcppp://0:${bracketed(GUEST[to])}:9100`]).flat();
  const bed = await forwards.with(...targets);
  for (const [network, source, to, seen] of PROXY_LINES) {
    const address = to === "v4" ? "127.0.0.1" : "::1", port = ports(bed)[VERSIONS.indexOf(to)];
    const header = `PROXY ${network} ${source} ${source.includes(":") ? "2001:db8::1" : "4.3.2.1"} 1 2\r\n`;
    const cuts = [
      [hex(header)],
      [...header].map(hex),
      [hex(header.slice(0, 20)), hex(header.slice(20))],
      [hex(header + "hello")],
      [hex(header.slice(0, -1)), hex("\nhello")],
    ];
    for (const cut of cuts) {
      const report = await client(bed.lab.host, "pieces", address, port, ...cut);
      const hello = cut.at(-1)!.endsWith(hex("hello")) ? "hello" : "";
      assertMatch(text(report, "answer"), new RegExp(`^${escape(seen)} \\d+\\n${hello}ping$`));
    }
  }
  const who = "tcp://127\\.0\\.0\\.1:\\d+-127\\.0\\.0\\.1:\\d+/1\\.2\\.3\\.4:\\d+-10\\.0\\.2\\.100:9100";
  await bed.program.line("stdout", new RegExp(`^\\[\\+\\] ${who} local-fwd PP conn$`));
  await bed.program.line("stdout", new RegExp(`^\\[-\\] ${who} local-fwd PP done: l=\\[EOF\\]/0 r=EOF/0$`));
  assertMatch(bed.program.stdout[0], /^\[\+\] local-fwd Local PP listen tcp:\/\/127\.0\.0\.1:\d+$/);
  assertMatch(bed.program.stdout[1], /^\[\+\] local-fwd Local PP listen tcp:\/\/\[::1\]:\d+$/);
});

e2e("tcppp: UNKNOWN keeps the client's own address, and target port 0 takes the header's", async () => {
  const bed = await forwards.with("-L", "tcppp://[::]:0:10.0.2.100:9100", "-L", "tcppp://0:10.0.2.100:0");
  const [first, second] = ports(bed);
  const unknown = await client(bed.lab.world, "pieces", HOST_LINK.v4, first!, hex("PROXY UNKNOWN what ever\r\n"));
  assertMatch(text(unknown, "answer"), new RegExp(`^${escape(WORLD_LINK.v4)} \\d+\\nping$`));
  const header = hex("PROXY TCP4 1.2.3.4 4.3.2.1 1 9100\r\n");
  const named = await client(bed.lab.host, "pieces", "127.0.0.1", second!, header);
  assertMatch(text(named, "answer"), /^1\.2\.3\.4 \d+\nping$/);
});

e2e("tcppp: a connection without a PROXY header is reset, and there is a line", async () => {
  const bed = await forwards.with("-L", "tcppp://0:10.0.2.100:9100");
  const [port] = ports(bed);
  for (
    const [sent, reason] of [
      ["GET / HTTP/1.1\r\n", "no PROXY header"],
      ["PROXY TCP4 1.2.3.4 4.3.2.1 1 99999\r\n", "a PROXY header with a bad address or port"],
      ["PROXY TCP4 1.2.3.4 4.3.2.1 1 2\n", "a PROXY header ends with CR and LF"],
      [`PROXY UNKNOWN ${"x".repeat(100)}\r\n`, "a PROXY header has at most 107 bytes"],
      ["PROXY TCP4 1.2", "the connection ended before its PROXY header did"],
    ]
  ) {
    const first = bed.program.stdout.length;
    const report = await client(bed.lab.host, "pieces", "127.0.0.1", port!, hex(sent!), "end");
    assertEquals(report, { answer: "", error: "ECONNRESET" }, sent);
    const who = `tcp://127\\.0\\.0\\.1:\\d+-127\\.0\\.0\\.1:${port}/10\\.0\\.2\\.100:9100`;
    const pattern = new RegExp(`^\\[!\\] ${who} local-fwd PP error: ${escape(reason!)}$`);
    await bed.program.line("stdout", pattern, 5_000, first);
  }
});

e2e("udpspp: the guest sees the header's client, and the header precedes each answer", async () => {
  const targets = VERSIONS.map((to) => ["-L", `udpspp://0:${bracketed(GUEST[to])}:9100`]).flat();
  const bed = await forwards.with(...targets, "-L", "udpspp://0:10.0.2.100:0");
  const mapped = "00000000000000000000ffff";
  const four = `56ec${mapped}01020304${mapped}040302010001${(9100).toString(16).padStart(4, "0")}`;
  const six = `56ec20010db8009900000000000000000001${"20010db8000000000000000000000001"}00010002`;
  for (const [i, header, seen] of [[0, four, "1.2.3.4"], [1, six, "2001:db8:99::1"], [2, four, "1.2.3.4"]] as const) {
    const address = i === 1 ? "::1" : "127.0.0.1", later = "00".repeat(38);
    const sent = [`${header}${hex("one")}`, `${later}${hex("two")}`, "0102"];
    const report = await client(bed.lab.host, "datagrams", address, ports(bed)[i], ...sent);
    const answers = array(report, "answers");
    const texts = answers.slice(0, 2).map((answer) => unhex(String(answer).slice(76)).split(/[ \n]/));
    assertEquals(answers.slice(0, 2).map((answer) => String(answer).slice(0, 76)), [header, header]);
    assertEquals(texts.map(([address, , data]) => [address, data]), [[seen, "one"], [seen, "two"]]);
    assertEquals(texts[0][1], texts[1][1]); // one association
    assertEquals(answers[2], null); // no room for a header
  }
  assertMatch(bed.program.stdout[0], /^\[\+\] local-fwd Local PP listen udp:\/\/127\.0\.0\.1:\d+$/);
  await bed.program.line("stdout", /^\[\+\] udp:\/\/.*\/1\.2\.3\.4:\d+-10\.0\.2\.100:9100 local-fwd PP conn$/);
  await client(bed.lab.host, "datagrams", "127.0.0.1", ports(bed)[0], hex("no header".repeat(10)));
  await bed.program.line("stdout", /^\[!\] udp:\/\/.* local-fwd PP error: no Simple Proxy Protocol header$/);
});

e2e("a target is found by its service record, and datagrams that wait for it arrive in order", async () => {
  const records = { "tcp.guest": `${GUEST.v4}:9100`, "udp.guest": `${GUEST.v4}:9100` };
  const names = await startNames(await forwards.get(), records, { delay: 0.3 });
  const bed = await forwards.with(
    ...["-L", `0:tcp.guest@srv-${names.port}:0`, "-L", `udp://0:[udp.guest@srv-127.0.0.1:${names.port}]:0`],
    ...["-L", `0:none.guest@srv-${names.port}:0`],
  );
  const [tcp, udp, none] = ports(bed);
  assertEquals(field(await client(bed.lab.host, "ask", "127.0.0.1", tcp!), "tcp"), GATEWAY.v4);
  assertEquals(await client(bed.lab.host, "crowd", "127.0.0.1", udp!, 5, 10), { complete: 5, errors: [] });
  const report = await client(bed.lab.host, "pieces", "127.0.0.1", none!, "00", "end");
  assertEquals(report, { answer: "", error: "ECONNRESET" });
  const reason = `Failed to lookup SRV "none.guest" on "127.0.0.1:${names.port}"`;
  const end = escape(`/none.guest@srv-${names.port}-failed local-fwd error: l=0/0 r=[${reason}]/0`);
  await bed.program.line("stdout", new RegExp(`^\\[!\\] tcp://127\\.0\\.0\\.1:\\d+-127\\.0\\.0\\.1:${none}${end}$`));
});

e2e("a port that can't be listened on ends the start with status 247 and a line", async () => {
  const bed = await forwards.with();
  await bed.program.stop();
  for (
    const [twice, bind] of [
      ["5001", "tcp://127.0.0.1:5001"],
      ["udp://5001", "udp://127.0.0.1:5001"],
      ["tcp://[::1]:5001", "tcp://[::1]:5001"],
      ["0.0.0.0:5001", "tcp://0.0.0.0:5001"],
      ["udprpc://[::]:5001", "udp://[::]:5001"],
    ]
  ) {
    await using program = launchProgram(bed.lab.host, ["-netns", bed.guest.path, "-L", twice!, "-L", twice!]);
    assertEquals(await program.end(), 247, program.stderr.join("\n"));
    assertEquals(program.stderr.slice(0, 2), [
      `[.] Joininig netns ${bed.guest.path}`,
      "[.] Opening tun interface tun0",
    ]);
    assertMatch(program.stderr[2], new RegExp(`^\\[!\\] Failed to listen on ${escape(bind!)}: .*in use`));
    assertEquals(program.stderr.length, 3, "stderr");
    assertEquals(program.stdout.length, 1, "stdout");
  }
  for (const bind of ["203.0.113.77:80", "no-such-name.invalid:80"]) {
    await using program = launchProgram(bed.lab.host, ["-netns", bed.guest.path, "-L", `${bind}:10.0.2.100:80`]);
    assertEquals(await program.end(20_000), 247, program.stderr.join("\n"));
    assertMatch(program.stderr[2], new RegExp(`^\\[!\\] Failed to listen on tcp://${escape(bind)}: .+`));
  }
});

/** The lines about clients of forwards that end in this word or contain it. */
function lines(bed: Bed, what: "conn" | "done" | "error"): string[] {
  return bed.program.stdout.filter((text) => new RegExp(`local-fwd ${what}\\b`).test(text));
}
