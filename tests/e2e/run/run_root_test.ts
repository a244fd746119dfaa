/** `slirpnetstack run` by root: the command's identity, what it may do outside, and what is left. */
import { run } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT } from "../../../scripts/lab/program.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { namespaces } from "../bed/leftovers.ts";
import { RunBed } from "../bed/run_bed.ts";

let made: Promise<RunBed> | null = null;
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

/** The user namespace that the tests are in, and the ids there. */
const OUTSIDE = Deno.readLinkSync("/proc/self/ns/user");
const MAP = Deno.readTextFileSync("/proc/self/uid_map").trim().replace(/\s+/g, " ");

/**
 * A script by which root's command reports its namespaces and ids, and the results of its attempts at things outside.
 */
const LOOK = `
readlink /proc/self/ns/user /proc/self/ns/net /proc/self/ns/mnt
echo uid $(id -u), map $(cat /proc/self/uid_map)
echo owner $(stat -c %u "$1/home")
mknod "$1/node" c 1 3 2>/dev/null && echo made a device && rm "$1/node"
touch "$1/file"; chown 1 "$1/file" 2>/dev/null && echo gave a file away; rm "$1/file"
nsenter --net="$2" true 2>/dev/null && echo entered the host
mount -t tmpfs tmpfs /mnt && echo mounted
curl --silent --show-error --max-time 10 http://world.test/`;

/** Runs {@linkcode LOOK}. Returns its namespaces and the other lines. Checks that nothing is left. */
async function look(...flags: readonly string[]): Promise<{ inside: string[]; said: string[] }> {
  const bed = await (made ??= RunBed.create());
  const words = [...bed.program, "run", ...flags, "--", "sh", "-c", LOOK, "sh", bed.at, bed.lab.host.path];
  const { stdout, stderr, code } = await run(bed.asRoot(words), { env: PROGRAM_ENVIRONMENT });
  assertEquals(stderr, "", `stderr: ${stdout}`);
  assertEquals(code, 0, `exit status: ${stdout}`);
  const lines = stdout.trimEnd().split("\n");
  const inside = lines.slice(0, 3);
  await until("the end of its namespaces", 5_000, () => {
    const still = namespaces();
    return !inside.some((name) => name !== OUTSIDE && still.has(name));
  });
  await bed.nothingLeft();
  return { inside, said: lines.slice(3) };
}

e2e("run by root: root, in a network namespace alone", async () => {
  const { inside, said } = await look();
  assertEquals(inside[0], OUTSIDE, "namespaces");
  assertEquals(said.slice(0, -1), [
    `uid 0, map ${MAP}`,
    `owner ${(await made)!.user}`,
    "made a device",
    "gave a file away",
    "entered the host",
    "mounted",
  ]);
  assertMatch(said.at(-1)!, /^Hello, /);
});

e2e("run -userns by root: root of a user namespace with no other ids, who can do nothing outside of it", async () => {
  const { inside, said } = await look("-userns");
  assert(inside[0] !== OUTSIDE);
  assertEquals(said.slice(0, -1), ["uid 0, map 0 0 1", "owner 65534", "mounted"]);
  assertMatch(said.at(-1)!, /^Hello, /);
});

e2e("run: the sockets of the host's resolvers are covered, with every kind of name server", async () => {
  const bed = await (made ??= RunBed.create());
  const sockets = ["/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve"];
  // in a /run of its own
  const prepare =
    'mount -t tmpfs tmpfs /run; for at in $0; do mkdir -p "${at%/*}"; echo "host" >"$at"; done; exec "$@"';
  for (const flag of ["-dns", "-dns=false"]) {
    const words = [
      ...bed.program,
      "run",
      flag,
      "--",
      "sh",
      "-c",
      'for at; do [ -s "$at" ] && cat "$at"; done; true',
      "sh",
      ...sockets,
    ];
    const command = ["unshare", "--mount", "sh", "-ec", prepare, sockets.join(" "), ...words];
    const { stdout, stderr, code } = await run(bed.asRoot(command), { env: PROGRAM_ENVIRONMENT });
    assertEquals({ stdout, stderr, code }, { stdout: "", stderr: "", code: 0 }, flag);
  }
  await bed.nothingLeft();
});
