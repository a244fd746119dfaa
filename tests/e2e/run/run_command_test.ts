/** `slirpnetstack run` passes words and limits to the command unchanged, and collects its orphans. */
import { run as execute } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, PROJECT } from "../../../scripts/lab/program.ts";
import { assertEquals } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

let made: Promise<RunBed> | null = null;
const bed = () => made ??= RunBed.create();
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

/** The callers of `run`, and their command lines. */
const MODES = [
  { name: "a user", root: false, flags: [] },
  { name: "a user, -user-keep", root: false, flags: ["-user-keep"] },
  { name: "a user, -sandbox=false", root: false, flags: ["-sandbox=false"] },
  { name: "root", root: true, flags: [] },
  { name: "root, -userns", root: true, flags: ["-userns"] },
] as const;

type Mode = typeof MODES[number];

/** The output of a command called by a shell script whose arguments are the words of `run` before it. */
async function said({ root, flags }: Mode, script: string, command: readonly string[], words: readonly string[] = []) {
  const world = await bed();
  const line = ["sh", "-c", script, "sh", ...world.program, "run", ...flags, "--", ...command, ...words];
  const options = { env: PROGRAM_ENVIRONMENT, cwd: PROJECT };
  const { stdout, stderr, code } = await execute(root ? world.asRoot(line) : world.asUser(line), options);
  assertEquals(stderr, "");
  assertEquals(code, 0, stdout);
  return stdout;
}

/** Prints its arguments in hexadecimal. */
const WORDS = ["sh", "-c", 'for word; do printf %s "$word" | od -An -v -tx1 | tr -d " \\n"; echo; done', "sh"];

for (const mode of MODES) {
  e2e(`run by ${mode.name}: a megabyte of words`, async () => {
    const script = 'count=$#; printf "%s\\n" $(($# - $1))';
    const words = Array.from({ length: 12 }, (_, i) => String.fromCharCode(97 + i).repeat(90_000));
    const count = ["sh", "-c", `${script}; for word; do echo "$word" | md5sum; done`, "sh", "0"];
    const direct = await execute([...count, ...words]);
    assertEquals(await said(mode, 'exec "$@"', count, words), direct.stdout);
  });

  e2e(`run by ${mode.name}: words that are not UTF-8, empty ones, and lines`, async () => {
    // the runtime of an executable ends before the program starts if a word is not UTF-8
    const bytes = Deno.env.get("SLIRPNETSTACK_BIN") ? "x" : '$(printf "\\377\\376z")';
    const script = `exec "$@" "${bytes}" "" "two\nlines" "$(printf "\\357\\273\\277bom")" "ü"`;
    const [first, ...lines] = (await said(mode, script, WORDS)).split("\n");
    assertEquals(first, bytes === "x" ? "78" : "fffe7a");
    assertEquals(lines, ["", "74776f0a6c696e6573", "efbbbf626f6d", "c3bc", ""]);
  });

  e2e(`run by ${mode.name}: orphans leave no zombies, whatever the shell is`, async () => {
    const orphans = `
      grep SigIgn /proc/1/status
      i=0; while [ $i -lt 40 ]; do (sh -c true & sleep 0.01 &) ; i=$((i + 1)); done
      i=0; while [ $i -lt 200 ]; do
        left=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c '^[0-9]* (\\(sh\\|sleep\\|true\\)) Z')
        waiting=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c '^[0-9]* (sleep) ')
        if [ $left = 0 ] && [ $waiting = 0 ]; then break; fi
        sleep 0.05; i=$((i + 1))
      done
      echo zombies $left`;
    const lines = (await said(mode, 'exec "$@"', ["sh", "-c", orphans])).trimEnd().split("\n");
    const ignored = BigInt(`0x${/^SigIgn:\t([0-9a-f]+)$/.exec(lines[0])![1]}`);
    assertEquals(ignored >> 16n & 1n, 1n, "the first process does not ignore SIGCHLD");
    assertEquals(lines.at(-1), "zombies 0");
  });

  e2e(`run by ${mode.name}: the soft limit of descriptors is that of the shell before it`, async () => {
    const limits = ["sh", "-c", "ulimit -Sn; ulimit -Hn"];
    const hard = (await execute(["sh", "-c", "ulimit -Hn"])).stdout.trim();
    assertEquals(await said(mode, 'ulimit -Sn 345; "$@"; exit $?', limits), `345\n${hard}\n`);
    assertEquals(await said(mode, 'ulimit -Sn $(ulimit -Hn); "$@"; exit $?', limits), `${hard}\n${hard}\n`);
    if (Deno.env.get("SLIRPNETSTACK_BIN")) { // the runtime's own command has forgotten it
      assertEquals(await said(mode, 'ulimit -Sn 345; exec "$@"', limits), `345\n${hard}\n`);
    }
  });
}

e2e("run: from the source, the limit of descriptors is that of the shell before `deno task`", async () => {
  const { at, asUser } = await bed().then((world) => ({ at: world.at, asUser: world.asUser.bind(world) }));
  const task = [`${at}/bin/deno`, "task", "--quiet", "--config", `${at}/project/deno.json`, "start", "run", "--"];
  const line = ["sh", "-c", 'ulimit -Sn 345; "$@"; exit $?', "sh", ...task, "sh", "-c", "ulimit -Sn"];
  const { stdout, stderr } = await execute(asUser(line));
  assertEquals(stdout, "345\n", "stdout");
  assertEquals(stderr, "", "stderr");
});
