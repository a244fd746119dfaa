/** The gate, by real clients: what shows the name passes, and of everything else no byte leaves. */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { type Process, run } from "../../../scripts/lab/process.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

const CURL = "curl --silent --show-error --max-time 10";

/** A bed with an HTTPS server in the world, for world.test and evil.test, which stand for the same address. */
class GateBed {
  private constructor(readonly bed: RunBed, readonly server: Process, readonly certificate: string) {}

  static async create(): Promise<GateBed> {
    const bed = await RunBed.create();
    const { lab } = bed, certificate = `${lab.directory}/cert.pem`, key = `${lab.directory}/key.pem`;
    const names = "subjectAltName=DNS:world.test,DNS:evil.test,DNS:world6.test";
    const request = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    await lab.host.check(
      [
        "openssl",
        "req",
        ...request,
        "-subj",
        "/CN=test",
        "-addext",
        names,
        "-addext",
        "basicConstraints=CA:FALSE",
        "-keyout",
        key,
        "-out",
        certificate,
      ],
    );
    const program = new URL("tls_server.py", import.meta.url).pathname;
    const server = lab.start(lab.world, ["python3", "-B", program, certificate, key, WORLD.v4, WORLD.v6]);
    await server.line("stdout", /^ready$/);
    return new GateBed(bed, server, certificate);
  }

  /** Runs a script under rules, in the sandbox; `$CA` is the server's certificate, `$OWN` the own address of world.test. */
  async run(rules: string, script: string) {
    const from = this.server.stdout.length;
    const prepared = `CA=${this.certificate}; OWN=$(getent ahostsv4 world.test | sed -n '1s/ .*//p'); ${script}`;
    const { stdout, stderr } = await this.bed.run(["-only", rules, "-sandbox", "sh", "-c", prepared]);
    return { stdout, stderr, seen: () => this.server.stdout.slice(from) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed[Symbol.asyncDispose]();
  }
}

let made: Promise<GateBed> | null = null;
const gateBed = () => made ??= GateBed.create();
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

e2e("the gate: real clients reach an allowed name over TLS, and over HTTP", async () => {
  const bed = await gateBed();
  const { stdout, stderr, seen } = await bed.run(
    "world.test,http://world.test,world6.test",
    `
    ${CURL} --cacert $CA https://world.test/curl https://world6.test/curl6
    ${CURL} http://world.test/ http://world.test/ --output /dev/null --output /dev/null \\
      --write-out 'http %{http_code} %{num_connects}\\n'
    wget --quiet --ca-certificate=$CA --output-document=- https://world.test/wget
    printf 'GET /openssl HTTP/1.0\\r\\n\\r\\n' |
      openssl s_client -quiet -verify_quiet -CAfile $CA -servername world.test -connect world.test:443 2> /dev/null | grep Hello
    python3 -c 'import ssl, sys, urllib.request
c = ssl.create_default_context(cafile=sys.argv[1])
print(urllib.request.urlopen("https://world.test/python", context=c).read().decode().strip())' $CA`,
  );
  assertEquals(stdout.match(/^Hello, world6?\.test$/gm)?.length, 5, `over TLS: ${stdout}${stderr}`);
  assertMatch(stdout, /^http 200 1\nhttp 200 0$/m, "two requests over one connection");
  assertEquals(
    seen().filter((line) => line.startsWith("request")).map((line) => line.split(" ")[2]),
    ["/curl", "/curl6", "/wget", "/openssl", "/python"],
  );
});

e2e("the gate: a name that is not allowed gets no byte out, wherever it is shown", async () => {
  const bed = await gateBed();
  const { stdout, stderr, seen } = await bed.run(
    "world.test,http://world.test,evil.test:444",
    `
    ${CURL} --cacert $CA --connect-to evil.test:443:world.test:443 https://evil.test/ 2>&1; echo connect-to: $?
    ${CURL} --cacert $CA --resolve evil.test:443:$OWN https://evil.test/ 2>&1; echo own address: $?
    ${CURL} --cacert $CA --resolve world.test:443:${WORLD.v4} https://world.test/ 2>&1; echo real address: $?
    ${CURL} --insecure https://$OWN/ 2>&1; echo no name: $?
    ${CURL} --header 'Host: evil.test' http://world.test/; echo
    ${CURL} --http2-prior-knowledge http://world.test/ > /dev/null 2>&1; echo h2c: $?
    ${CURL} --proxytunnel --proxy http://world.test:80 http://evil.test/ 2>&1; echo CONNECT: $?
    ${CURL} --proxy http://world.test:80 http://evil.test/ | head -n 1
    printf 'hello\\n' | timeout 5 bash -c 'exec 3<>/dev/tcp/world.test/443; cat >&3; cat <&3' 2>&1; echo raw: $?`,
  );
  assertMatch(stdout, /alert access denied.*\nconnect-to: 35$/m, stdout);
  assertMatch(stdout, /^own address: 35$/m);
  assertMatch(stdout, /^real address: 7$/m, "refused, as it has no rule");
  assertMatch(stdout, /^no name: 35$/m);
  assertStringIncludes(stdout, "slirpnetstack has refused this request to evil.test");
  assertStringIncludes(stdout, "-only tcp://world.test:80");
  assertMatch(stdout, /^h2c: [1-9]/m);
  assertMatch(stdout, /403\nCONNECT: 56$/m, stdout);
  assert(!stdout.includes("Hello"), stdout);
  assertStringIncludes(stderr, `tcp://world.test:443 refused by the policy: it shows another name, evil.test`);
  assertEquals(seen().filter((line) => line !== "nothing"), [], "what reached the server");
});

e2e("-audit: a line for what passed, and for what was refused, in the sandbox", async () => {
  const { bed, ...rest } = await gateBed(), { lab } = bed;
  const file = `${lab.directory}/a user/home/audit.jsonl`;
  const { stdout } = await bed.run([
    ...["-only", "world.test,http://world.test", "-audit", file, "-sandbox", "-quiet"],
    ...["sh", "-c", `CA=${rest.certificate}; ${SHOWN_AND_NOT}`],
  ]);
  assertMatch(stdout, /^Hello, world\.test\n/, stdout);
  const lines = (await lab.host.check(["nsenter", `--mount=/proc/${bed.holderPid}/ns/mnt`, "cat", file])).trim();
  const all = lines.split("\n").map((line) => JSON.parse(line));
  const about = (kind: string) => all.filter((line) => line.kind === kind);
  assertEquals(about("open").map(({ shown }) => `${shown.by} ${shown.name}`), ["tls world.test", "http world.test"]);
  const [open] = about("open"), end = about("end").find(({ flow }) => flow === open.flow);
  assertEquals(`${open.name}:${open.port} ${open.rule} ${open.peer}`, `world.test:443 world.test ${WORLD.v4}:443`);
  assert(end.bytes_in > 500 && end.bytes_out > 200, `bytes: ${JSON.stringify(end)}`);
  const reasons = about("deny").map(({ network, name, reason }) => `${network} ${name} ${reason}`);
  assertEquals([...new Set(reasons)].toSorted(), [
    "dns secret.evil.test no_rule",
    "tcp null no_rule",
    "tcp world.test name_mismatch",
  ]);
  assert(about("dns").some(({ name, type }) => name === "world.test" && type === "A"), "the question");
});

e2e("-audit-fd: lines go to a descriptor; without a reader, nothing passes", async () => {
  const { bed } = await gateBed();
  const script = `${CURL} http://world.test/ > /dev/null 2>&1; echo curl: $?`;
  const words =
    (bed.program.concat(["run", "-only", "http://world.test", "-quiet", "-audit-fd", "5", "sh", "-c", script]))
      .map((word) => `'${word}'`).join(" ");
  const shell = (redirection: string) => run(bed.asUser(["bash", "-c", `${words} ${redirection}`]));
  const read = await shell('5> >(grep -c \'"kind":"open"\')');
  assertStringIncludes(read.stdout, "curl: 0");
  const full = await shell("5> /dev/full");
  assertMatch(full.stdout, /curl: [67]/, "the disk is full");
});

const SHOWN_AND_NOT = `
  ${CURL} --cacert $CA https://world.test/
  ${CURL} --output /dev/null http://world.test/
  ${CURL} --cacert $CA --connect-to evil.test:443:world.test:443 https://evil.test/ 2> /dev/null
  ${CURL} http://${WORLD.v4}:7/ 2> /dev/null
  getent hosts secret.evil.test
  true`;

e2e("-observe -learn: a run without rules gives those that the next one needs", async () => {
  const { bed, certificate } = await gateBed(), { lab } = bed;
  const home = `${lab.directory}/a user/home`, file = `${home}/learned.json`;
  const script = `${CURL} --cacert ${certificate} https://world.test/; ${CURL} --output /dev/null http://world.test/`;
  const first = await bed.run(["-observe", "-learn", file, "-sandbox", "sh", "-c", script]);
  assertEquals(first.stdout, "Hello, world.test\n", first.stderr);
  assertStringIncludes(first.stderr, "No rule allows some of what the command used. These would: -only '");
  const second = await bed.run([
    "-policy",
    file,
    "-learn",
    `${home}/more.json`,
    "sh",
    "-c",
    `${script}; ${CURL} http://${WORLD.v4}/`,
  ]);
  assertEquals(second.stdout, "Hello, world.test\n", second.stderr);
  const read = (path: string) => lab.host.check(["nsenter", `--mount=/proc/${bed.holderPid}/ns/mnt`, "cat", path]);
  assertMatch(await read(file), /"http:\/\/world\.test" },\n +{ "allow": "world\.test" }\n/);
  assertStringIncludes(await read(`${home}/more.json`), `{ "allow": "${WORLD.v4}:80" }`, "what was refused");
});

e2e("the gate: QUIC passes with the name, and with no other", async () => {
  const { bed, certificate } = await gateBed(), { lab } = bed;
  const program = new URL("quic_end.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "--quiet", "-A", "--no-check", "--unstable-net", program];
  const key = certificate.replace("cert.pem", "key.pem");
  const server = lab.start(lab.world, [...deno, "server", certificate, key, WORLD.v4]);
  await server.line("stdout", /^ready$/);
  const place = program.replace(PROJECT, "./"); // where the user of the bed can read it
  const client = (...words: string[]) =>
    `${bed.deno.replaceAll(" ", "\\ ")} run --quiet -A --no-check --unstable-net ${place} client ${certificate} ${
      words.join(" ")
    }`;
  const script = `
    ${client("world.test")}; echo its name: $?
    timeout 4 ${client("world.test", "evil.test")} > /dev/null 2>&1; echo another: $?
    timeout 4 ${client(WORLD.v4, "world.test")} > /dev/null 2>&1; echo its address: $?`;
  const { stdout, stderr } = await bed.run(["-only", "world.test", "-sandbox", "sh", "-c", script], {
    timeout: 60_000,
  });
  assertMatch(stdout, /^Hello, world\.test\nits name: 0\n/, stdout + stderr);
  assertMatch(stdout, /^another: [1-9]/m);
  assertMatch(stdout, /^its address: [1-9]/m);
  assertEquals(server.stdout.filter((line) => line.startsWith("heard")), ["heard world.test"]);
  assertStringIncludes(stderr, "udp://world.test:443 refused by the policy: it shows another name, evil.test");
});
