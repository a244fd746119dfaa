/**
 * Privileges are given up in all threads, and the program's own operations still work. Each case runs in its own
 * process, because privileges can't be regained.
 *
 * @module
 */
import { Process } from "../../../scripts/lab/process.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";
import { assert, assertEquals, assertFields, assertMatch } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT } from "../../e2e/bed/installed.ts";

const NOBODY = { uid: 65_534, gid: 65_533, groups: [65_533, 65_532] };

interface Outcome {
  readonly results: Record<string, string>;
  /** Of each thread. */
  readonly threads: readonly string[];
}

async function confined(
  user: typeof NOBODY | null,
  sandbox: boolean,
  { removes = false, listensLater = false } = {},
): Promise<Outcome> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-" });
  const file = `${directory}/readable`;
  await Deno.writeTextFile(file, "text");
  await Deno.chmod(directory, 0o777);
  await Deno.chmod(file, 0o644);
  const command = [
    Deno.execPath(),
    "run",
    "--cached-only",
    "-A",
    "--no-lock",
    `${PROJECT}tests/ffi/sandbox/confined.ts`,
  ];
  // another user may have no access to this project's folder
  const given = JSON.stringify({ user, sandbox, removable: removes ? [directory] : [], listensLater });
  const options = { cwd: "/", env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" } };
  try {
    await using child = Process.start([...command, given, file], options);
    const [line] = await child.line("stdout", /^\{.*\}$/, 30_000);
    const threads = [...Deno.readDirSync(`/proc/${child.pid}/task`)].map(({ name }) =>
      Deno.readTextFileSync(`/proc/${child.pid}/task/${name}/status`)
    );
    await child.sayEnd();
    assertEquals(await child.end(), 0, child.stderr.join("\n"));
    return { results: JSON.parse(line), threads };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m").exec(status)![1].replaceAll("\t", " ");
}

const WORKS = ["timers", "lookup", "connect", "garbage", "new thread", "read /etc/hosts", "read /proc/self/net/route"];

Deno.test({
  name:
    `another user: all threads have the ids and the groups, no capabilities, and no_new_privs; no way back${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    const { results, threads } = await confined(NOBODY, false);
    assert(threads.length > 3, "only one thread");
    for (const status of threads) {
      assertEquals(field(status, "Uid"), "65534 65534 65534 65534");
      assertEquals(field(status, "Gid"), "65533 65533 65533 65533");
      assertEquals(field(status, "Groups"), "65532 65533");
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) assertMatch(field(status, set), /^0{16}$/);
      assertEquals(field(status, "NoNewPrivs"), "1");
    }
    for (const name of [...WORKS, "read a file", "write a file", "run a program", "socket unix"]) {
      assertEquals(results[name], "ok", name);
    }
    for (const name of ["setresuid", "socket packet", "kill init"]) assertEquals(results[name], "EPERM", name);
    assertMatch(
      results["another user"],
      /^setgroups: Operation not permitted \(EPERM\): only root can become another user$/,
    );
  },
});

for (
  const [who, user, removes, listensLater] of [
    ["root", null, false, false],
    ["root, with a file to remove", null, true, false],
    ["root, who listens later", null, false, true],
    ["another user", NOBODY, false, true],
  ] as const
) {
  Deno.test({
    name: `the sandbox, as ${who}: only what the program needs works${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      const { results, threads } = await confined(user, true, { removes, listensLater });
      assert(threads.length > 3, "only one thread");
      for (const status of threads) {
        assertEquals(field(status, "Seccomp"), "2", "Seccomp");
        assertEquals(field(status, "NoNewPrivs"), "1", "NoNewPrivs");
        if (user !== null) assertMatch(field(status, "CapEff"), /^0{16}$/);
      }
      // CAP_NET_ADMIN, and CAP_NET_BIND_SERVICE
      const kept = user !== null ? "0000000000000000" : listensLater ? "0000000000001400" : "0000000000001000";
      assertEquals(field(threads[0], "CapPrm"), kept, "the program's own thread");
      for (const name of [...WORKS, "socket tcp", "kill self"]) assertEquals(results[name], "ok", name);
      assertEquals(results["low port"], user === null && listensLater ? "ok" : "EACCES", "low port");
      const landlock = results["missing"] === "";
      if (landlock) assertEquals(results["read a file"], "EACCES");
      if (landlock || user !== null || !removes) assertEquals(results["read /etc/shadow"], "EACCES");
      assertEquals(results["read /etc/passwd"], landlock && removes ? "EACCES" : "ok");
      for (const name of ["write a file", "write elsewhere"]) assertEquals(results[name], "EACCES", name);
      assertEquals(results["remove"], removes ? "ok" : "EACCES");
      if (user === null) {
        const files = removes ? "0" : "65534"; // the last of the four is the file system user
        for (const name of ["Uid", "Gid"]) assertEquals(field(threads[0], name), `0 0 0 ${files}`, name);
        if (!removes) { for (const status of threads) assertMatch(status, /^Groups:[ \t]*$/m); }
      }
      for (const name of ["unix", "netlink", "packet", "raw"]) {
        assertEquals(results[`socket ${name}`], "EAFNOSUPPORT", name);
      }
      for (
        const name of [
          "run a program",
          "kill init",
          "setns",
          "setresuid",
          "ptrace",
          "mount",
          "bpf",
          "keyctl",
          "unshare",
        ]
      ) {
        assertEquals(results[name], "EPERM", name);
      }
      assertFields(results, { undump: "EINVAL", TIOCSTI: "EACCES", io_uring_setup: "ENOSYS" });
      assertEquals(results["kill parent"], user === null ? "ok" : "EPERM");
      if (Deno.build.arch === "x86_64") assertFields(results, { fork: "EPERM", x32_getpid: "ENOSYS" });
    },
  });
}
