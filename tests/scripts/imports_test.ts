/** The import maps, and starts of the program from its source without asking a server. */
import config from "../../deno.json" with { type: "json" };
import scriptsConfig from "../../scripts/deno.json" with { type: "json" };
import { Lab } from "../../scripts/lab/lab.ts";
import { check, type Result } from "../../scripts/lab/process.ts";
import { programCommand, PROJECT } from "../../scripts/lab/program.ts";
import testsConfig from "../deno.json" with { type: "json" };
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { e2e } from "../e2e/bed/bed.ts";
import { npmCache } from "../e2e/bed/run_bed.ts";

/** The names of import maps that the modules below these paths import, or have their types from. */
function importedBy(paths: readonly string[]): Set<string> {
  const names = new Set<string>();
  const visit = (path: string) => {
    if (Deno.statSync(path).isDirectory) {
      for (const { name } of Deno.readDirSync(path)) visit(`${path}/${name}`);
    } else if (path.endsWith(".ts")) {
      const text = Deno.readTextFileSync(path);
      for (const [, name] of text.matchAll(/(?:^|[ (])(?:from |import\(|@ts-types=)"([@a-z][^"]*)"/gm)) {
        if (!/^(?:node|npm|jsr):/.test(name!)) names.add(name!);
      }
    }
  };
  for (const path of paths) visit(PROJECT + path);
  return names;
}

const BY_PROGRAM = importedBy(["main.ts", "ffi", "forward", "stack"]);

Deno.test("import maps: what only tests or scripts import is in theirs, not in the program's", () => {
  const own = Object.keys(config.imports);
  for (const name of BY_PROGRAM) assert(own.includes(name), `the program imports ${name}`);
  for (const name of own) assert(BY_PROGRAM.has(name), `the program does not import ${name}`);
  for (const [folder, { imports }] of [["scripts", scriptsConfig], ["tests", testsConfig]] as const) {
    const byFolder = [...importedBy([folder])].filter((name) => !BY_PROGRAM.has(name));
    assertEquals(Object.keys(imports).toSorted(), byFolder.toSorted(), folder);
    for (const name of byFolder) assert(!own.includes(name), `only ${folder} import ${name}`);
  }
});

/** A copy of Deno's cache with these packages, but without the registry's answers about their versions. */
async function cacheOf(directory: string, packages: readonly string[]): Promise<string> {
  const registry = (await check(["sh", "-c", 'cd "$0" && echo */', await npmCache()])).trim();
  assertMatch(registry, /^[^ ]+\/$/);
  for (const name of packages) {
    const to = `${directory}/deno/npm/${registry}${name}`;
    await Deno.mkdir(to.replace(/\/[^/]*$/, ""), { recursive: true });
    await check(["cp", "-r", `${await npmCache()}/${registry}${name}`, to]);
  }
  await check(["find", directory, "-name", "registry.json", "-delete"]);
  return `${directory}/deno`;
}

/** Runs a command in a network that leads nowhere, whose name server hears of each lookup. */
async function offline(packages: readonly string[], command: readonly string[]): Promise<Result & { asked: string[] }> {
  await using lab = await Lab.create();
  const DENO_DIR = await cacheOf(lab.directory, packages);
  const conf = `${lab.directory}/resolv.conf`;
  await Deno.writeTextFile(conf, "nameserver 127.0.0.53\n");
  const server = lab.start(lab.host, ["python3", "-B", `${PROJECT}scripts/lab/resolver.py`, "127.0.0.53"]);
  await server.line("stdout", /^ready$/);
  const env = { DENO_DIR, HOME: lab.directory, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const result = await lab.host.withResolvConf(conf).run(command, { cwd: PROJECT, env });
  return { ...result, asked: server.stdout.filter((line) => line.startsWith("asked")) };
}

/** The program's packages, with their dependencies. */
const OF_PROGRAM = ["@leichtgewicht", "dns-packet"];

e2e("a start from the source needs the program's packages only, and asks no server", async () => {
  assert(Deno.env.get("SLIRPNETSTACK_BIN") === undefined, "the executable has its packages in it");
  const { code, stdout, stderr, asked } = await offline(OF_PROGRAM, [...programCommand(), "-version"]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^slirpnetstack version /);
  assertEquals(stderr, "");
  assertEquals(asked, []);
});

e2e("a log needs one package more, and asks no server either", async () => {
  const command = [...programCommand(), "-log-level", "info", "-fd", "99"];
  const { code, stderr, asked } = await offline([...OF_PROGRAM, "@logtape"], command);
  assertEquals(code, 253, stderr);
  assertMatch(stderr, / INFO starting: /);
  assertEquals(asked, []);
});

e2e("deno task start: asks no server once the packages are there", async () => {
  const lock: { npm: Record<string, unknown> } = JSON.parse(await Deno.readTextFile(`${PROJECT}deno.lock`));
  const packages = Object.keys(lock.npm).map((name) => name.replace(/(?<=.)@.*$/, "").replace(/\/.*$/, ""));
  const command = [Deno.execPath(), "task", "--quiet", "start", "-version"];
  const { code, stdout, stderr, asked } = await offline([...new Set(packages)], command);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^slirpnetstack version /);
  assertEquals(stderr, "");
  assertEquals(asked, []);
});
