import { check, run } from "../../../scripts/lab/process.ts";
import { dirname, join } from "node:path/posix";
import { packedPage } from "../../../scripts/build/packed_pages.ts";
import { checksums, documents, tarball } from "../../../scripts/build/release.ts";
import { assert, assertEquals, assertNotEquals } from "../../assert.ts";
import { anchors, links } from "../page_links.ts";

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
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/audit-1.schema.json",
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/_slirpnetstack",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/slirpnetstack.bash",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/completions/slirpnetstack.fish",
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/ffi/",
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/ffi/sandbox/",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/ffi/sandbox/README.md",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/policy-1.schema.json",
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/RECIPES.md",
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/bench/",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/bench/README.md",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/bench/TRIED.md",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/bench/chart.svg",
    "-rwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/gvisor.sh",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/session.svg",
    "drwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/soak/",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/soak/README.md",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/scripts/soak/soak.svg",
    "-rwxr-xr-x root/root 2026-07-01 09:05 slirpnetstack-1.2.3/slirpnetstack",
    "-rw-r--r-- root/root 2026-07-01 09:05 slirpnetstack-1.2.3/slirpnetstack.1",
  ]);
});

Deno.test("a release: a link in its pages leads to a file and a heading in it", async () => {
  const files = new Map((await documents({ version: "1.2.3", time: TIME })).map(({ path, bytes }) => [path, bytes]));
  const textOf = (path: string) => new TextDecoder().decode(files.get(path));
  const pages = [...files.keys()].filter((path) => path.endsWith(".md"));
  assert(pages.length >= 5, pages.join(" "));
  let count = 0;
  for (const page of pages) {
    for (const target of links(textOf(page))) {
      const [file, anchor] = target.split("#");
      const path = file === "" ? page : join(dirname(page), file);
      assert(files.has(path), `${page}: ${target}: not in the release`);
      if (anchor !== undefined) assert(anchors(textOf(path)).includes(anchor), `${page}: ${target}: no such heading`);
      count++;
    }
  }
  assert(count > 30, `${count} links`);
});

Deno.test("a release: a link to the sources is replaced by its text", () => {
  const packed = (text: string) => packedPage("scripts/RECIPES.md", text);
  assertEquals(
    packed("See [`the map`](../forward/README.md#map), and [a file](../main.ts)."),
    "See `the map`, and a file.",
  );
  assertEquals(
    packed("[home](../README.md#install) [here](#names) ![chart](bench/chart.svg) [web](https://x.y/)"),
    "[home](../README.md#install) [here](#names) ![chart](bench/chart.svg) [web](https://x.y/)",
  );
  assertEquals(
    packed("`[a](b.ts)`\n\n```sh\n[a](b.ts)\n```\n\n    [a](b.ts)\n"),
    "`[a](b.ts)`\n\n```sh\n[a](b.ts)\n```\n\n    [a](b.ts)\n",
  );
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
