/** `-api`: forwards that come and go while the program runs. */
import { GATEWAY, GUEST } from "../../../scripts/lab/device.ts";
import type { Process } from "../../../scripts/lab/process.ts";
import { url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { WORLD } from "../../../scripts/lab/lab.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { type Bed, e2e, VERSIONS } from "../bed/bed.ts";
import { bracketed, client, ForwardBed, forwardsCommand, hostClient, LOOPBACK } from "../bed/forward_bed.ts";
import { field } from "../bed/reports.ts";

const forwards = new ForwardBed("guest");

/** The API of a program, as a user has it: by curl. */
class Api {
  constructor(private readonly bed: Bed, readonly path: string) {}

  /** Starts the program with `-api`. */
  static async with(...flags: readonly string[]): Promise<{ readonly bed: Bed; readonly api: Api }> {
    const { lab } = await forwards.get();
    const path = `${lab.directory}/api.sock`;
    const bed = await forwards.with("-api", `unix://${path}`, ...flags);
    return { bed, api: new Api(bed, path) };
  }

  /** Posts a forward, or gets with none; returns the status and the body: `200 `. */
  async ask(command: string, forward?: Readonly<Record<string, string>>): Promise<string> {
    const post = forward === undefined ? [] : ["--data", JSON.stringify(forward)];
    const address = `http://localhost/services/forwarder/${command}`;
    const options = ["-sS", "--max-time", "10", "--unix-socket", this.path, "-w", "%{http_code} "];
    const answer = await this.bed.lab.host.check(["curl", ...options, "-o", `${this.path}.answer`, ...post, address]);
    return answer + await Deno.readTextFile(`${this.path}.answer`).catch(() => "");
  }

  /** Adds a forward on a free port; returns its port. */
  async expose(host: string, remote: string, protocol = "tcp"): Promise<number> {
    const answer = await this.ask("expose", { local: `${host}:0`, remote, protocol });
    const [, port] = /^200 \{"local":"[^"]+:(\d+)",/.exec(answer) ?? [];
    assert(port !== undefined, answer);
    return Number(port);
  }
}

/** A connection to the service of forwards.py that stays. */
async function held(bed: Bed, address: string, port: number): Promise<Process> {
  const script = `import socket, sys
lines = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10).makefile("rw")
print("connected" if lines.readline() else "closed", flush=True)
for line in sys.stdin:
  lines.write(line)
  lines.flush()
  print(lines.readline(), end="", flush=True)`;
  const process = bed.lab.start(bed.lab.host, ["python3", "-B", "-c", script, address, String(port)]);
  await process.line("stdout", /^connected$/);
  return process;
}

e2e("-api: local forwards are added, listed and removed, over both versions; the socket goes at the end", async () => {
  const { bed, api } = await Api.with("-L", "127.0.0.1:9100");
  assertEquals((await Deno.lstat(api.path)).mode! & 0o777, 0o600, "mode");
  const shown = { local: "127.0.0.1:9100", remote: "10.0.2.100:9100", protocol: "tcp", direction: "local" };
  assertEquals(await api.ask("all"), `200 ${JSON.stringify([shown])}\n`);
  for (const version of VERSIONS) {
    const [host, guest] = [bracketed(LOOPBACK[version]), `${bracketed(GUEST[version])}:9100`];
    const tcp = await api.expose(host, guest), udp = await api.expose(host, guest, "udprpc");
    const { stdout } = bed.program;
    assert(stdout.includes(`[+] local-fwd Local listen tcp://${host}:${tcp}`), stdout.join("\n"));
    assert(stdout.includes(`[+] local-fwd Local listen udp://${host}:${udp}`), stdout.join("\n"));
    assertEquals(field(await client(bed.lab.host, "ask", LOOPBACK[version], tcp), "tcp"), GATEWAY[version]);
    assertEquals(field(await client(bed.lab.host, "ask-udp", LOOPBACK[version], udp), "udp"), GATEWAY[version]);
    const again = await api.ask("expose", { local: `${host}:${tcp}`, remote: guest });
    assertEquals(again, `500 tcp://${host}:${tcp}: address already in use\n`);
    for (const [port, protocol] of [[tcp, "tcp"], [udp, "udprpc"]] as const) {
      assertEquals(await api.ask("unexpose", { local: `${host}:${port}`, protocol }), "200 ");
      const address = LOOPBACK[version];
      if (protocol === "tcp") {
        assertEquals(field(await hostClient(bed, "connect", address, port), "error"), "ECONNREFUSED");
      }
    }
    assertEquals(await api.ask("expose", { local: `${host}:${tcp}`, remote: guest }), "200 ", "the port is free");
    assertEquals(await api.ask("unexpose", { local: `${host}:${tcp}` }), "200 ");
  }
  assertEquals(await api.ask("unexpose", { local: "127.0.0.1:9100" }), "200 ", "that of the command line");
  assertEquals(await api.ask("all"), "200 []\n");
  assertEquals(await bed.program.stop(), 0);
  assertEquals(await Deno.lstat(api.path).catch(() => null), null, "the socket");
});

e2e("-api: an empty host of `local` is every address of the host", async () => {
  const { bed, api } = await Api.with();
  assertEquals(await api.ask("expose", { local: ":9100", remote: ":9100", protocol: "tcp" }), "200 ");
  assertEquals(await api.ask("expose", { local: ":9100", remote: ":9100", protocol: "udp" }), "200 ");
  for (const version of VERSIONS) {
    assertEquals(field(await client(bed.lab.host, "ask", LOOPBACK[version], 9100), "tcp"), GATEWAY.v4);
    assertEquals(field(await client(bed.lab.host, "ask-udp", LOOPBACK[version], 9100), "udp"), GATEWAY.v4);
  }
  assertEquals(await api.ask("unexpose", { local: ":9100" }), "200 ");
});

e2e("-api: remote forwards are added and removed", async () => {
  const { bed, api } = await Api.with();
  const direction = "remote";
  await using service = bed.lab.start(bed.lab.host, forwardsCommand("serve", "127.0.0.1", "::1"));
  await service.line("stdout", /^ready$/);
  for (const version of VERSIONS) {
    const local = `${bracketed(GATEWAY[version])}:91`, remote = `${bracketed(LOOPBACK[version])}:9100`;
    for (const protocol of ["tcp", "udp"]) {
      assertEquals(await api.ask("expose", { local, remote, protocol, direction }), "200 ");
      const line = `[+] Accepting on remote side ${protocol}://${GATEWAY[version]}:91`;
      assert(bed.program.stdout.includes(line), bed.program.stdout.join("\n"));
    }
    assertEquals(field(await client(bed.guest, "ask", GATEWAY[version], 91), "tcp"), LOOPBACK[version]);
    assertEquals(field(await client(bed.guest, "ask-udp", GATEWAY[version], 91), "udp"), LOOPBACK[version]);
    for (const protocol of ["tcp", "udp"]) {
      assertEquals(await api.ask("unexpose", { local, protocol, direction }), "200 ");
    }
    // fd00::2 is not among the addresses that are never routed, and the host has no route to it
    const error = version === "v4" ? "ECONNREFUSED" : "ENETUNREACH";
    assertEquals(field(await bed.client("connect", GATEWAY[version], 91), "error"), error, version);
  }
  await service.stop();
});

e2e("-api: when a forward is removed, its open connections go on", async () => {
  const { bed, api } = await Api.with();
  const port = await api.expose("127.0.0.1", ":9100");
  await using connection = await held(bed, "127.0.0.1", port);
  assertEquals(await api.ask("unexpose", { local: `127.0.0.1:${port}` }), "200 ");
  assertEquals(field(await hostClient(bed, "connect", "127.0.0.1", port), "error"), "ECONNREFUSED", "a new one");
  await connection.say("second\n");
  await connection.line("stdout", /^second$/);
  const target = { local: `127.0.0.1:${port}`, remote: ":9100" };
  assertEquals(await api.ask("expose", target), "200 ", "the same port again, beside the open connection");
  await connection.say("third\n");
  await connection.line("stdout", /^third$/);
  assert(!bed.program.stdout.some((line) => line.includes("local-fwd done")), bed.program.stdout.join("\n"));
  await connection.sayEnd();
  await bed.program.line("stdout", /local-fwd done: l=\[EOF\]\/0 r=EOF\/0$/);
});

e2e("-api -sandbox, by root: forwards on low ports too; the socket is removed at the end", async () => {
  const { bed, api } = await Api.with("-sandbox");
  for (const version of VERSIONS) {
    const host = bracketed(LOOPBACK[version]), remote = `${bracketed(GUEST[version])}:9100`;
    for (const protocol of ["tcp", "udp"]) {
      assertEquals(await api.ask("expose", { local: `${host}:81`, remote, protocol }), "200 ", protocol);
    }
    assertEquals(field(await client(bed.lab.host, "ask", LOOPBACK[version], 81), "tcp"), GATEWAY[version]);
    assertEquals(field(await client(bed.lab.host, "ask-udp", LOOPBACK[version], 81), "udp"), GATEWAY[version]);
  }
  bed.program.signal("SIGTERM");
  assertEquals(await bed.program.end(), 0);
  assertEquals(bed.program.stderr.filter((line) => line.startsWith("[!]")), []);
  assertEquals(await Deno.lstat(api.path).catch(() => null), null, "the socket");
});

e2e("-api -sandbox -user: other ports; a low one is an error that names the setting", async () => {
  const { bed, api } = await Api.with("-sandbox", "-user", "nobody");
  const port = await api.expose("127.0.0.1", ":9100");
  assertEquals(field(await client(bed.lab.host, "ask", "127.0.0.1", port), "tcp"), GATEWAY.v4);
  assertMatch(
    await api.ask("expose", { local: "127.0.0.1:81", remote: ":9100" }),
    /^500 tcp:\/\/127\.0\.0\.1:81: permission denied \(ports below 1024 need CAP_NET_BIND_SERVICE; .*\)\n$/,
  );
});

/** One exchange with the API, in a connection of its own; the first line of the answer. */
async function exchange(path: string, request: string): Promise<string> {
  using conn = await Deno.connect({ transport: "unix", path });
  await conn.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(4096);
  let text = "";
  for (let count; (count = await conn.read(buffer)) !== null;) {
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text.split("\r\n")[0];
}

e2e("-api: thousands of requests beside transfers and datagrams, and nothing is lost", async () => {
  const { bed, api } = await Api.with("-L", "udp://127.0.0.1:9100");
  const post = (command: string, value: unknown) => {
    const body = JSON.stringify(value);
    return `POST /services/forwarder/${command} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  let running = true, requests = 0;
  const wrong: string[] = [];
  const client1 = async (number: number) => {
    const forward = { local: `127.0.0.1:${20_000 + number}`, remote: ":9100" };
    while (running) {
      for (const command of ["expose", "unexpose"]) {
        const answer = await exchange(api.path, post(command, forward));
        requests++;
        if (answer !== "HTTP/1.1 200 OK") wrong.push(`${command}: ${answer}`);
      }
    }
  };
  const clients = Promise.all(Array.from({ length: 4 }, (_, number) => client1(number)));
  try {
    for (let round = 0; round < 3; round++) {
      const [blob, exchanges] = await Promise.all([
        bed.curl(url(WORLD.v4, "/blob"), "--output", "/dev/null", "--write-out", "%{size_download}"),
        client(bed.lab.host, "exchanges", "127.0.0.1", 9100, 300),
      ]);
      assertEquals(blob.stdout, "30000000", blob.stderr);
      assertEquals(exchanges, { answered: 300 });
    }
    await until("three thousand requests", 60_000, () => requests > 3_000);
  } finally {
    running = false;
    await clients;
  }
  assertEquals(wrong.slice(0, 5), [], "requests that failed");
  assertEquals(await api.ask("all").then((text) => JSON.parse(text.slice(4)).length), 1, "forwards that are left");
});
