import { check, run } from "../../../scripts/lab/process.ts";
import { checksums, documents, tarball } from "../../../scripts/build/release.ts";
import { assert, assertEquals, assertNotEquals } from "../../assert.ts";

const TIME = new Date("2026-07-01T09:05:00Z");

Deno.test("a release: the same files make the same tarball, whatever the user's mask, in order, with the commit's time", async () => {
  const files = [
    { path: "slirpnetstack", mode: 0o755, bytes: new Uint8Array(100_000).fill(7) },
    ...await documents({ version: "1.2.3", time: TIME }),
  ];
  const bytes = await tarball("slirpnetstack-1.2.3", files, TIME);
  const mask = Deno.umask(0o077);
  try {
    assertEquals(await tarball("slirpnetstack-1.2.3", files, TIME), bytes);
  } finally {
    Deno.umask(mask);
  }
  assertNotEquals(await tarball("slirpnetstack-1.2.3", files, new Date(0)), bytes);

  const { stdout } = await run(["tar", "-tvzf", "-"], { stdin: bytes, env: { TZ: "UTC" } });
  assertEquals(stdout.trim().split("\n").map((line) => line.replace(/^(\S+) (\S+) +\d+ (.*)$/, "$1 $2 $3")), [
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/LICENSE",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/README.md",
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/_slirpnetstack",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/slirpnetstack.bash",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/slirpnetstack.fish",
    "-rwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/slirpnetstack",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/slirpnetstack.1",
  ]);
});

Deno.test("a release: checksums as sha256sum reads them", async () => {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-release-" });
  try {
    const bytes = new TextEncoder().encode("abc");
    await Deno.writeFile(`${directory}/a.tar.gz`, bytes);
    const text = await checksums([{ path: "a.tar.gz", bytes }]);
    // FIPS 180-2, appendix B.1
    assertEquals(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.tar.gz\n");
    assert((await check(["sha256sum", "--check", "-"], { cwd: directory, stdin: text })).includes("OK"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
