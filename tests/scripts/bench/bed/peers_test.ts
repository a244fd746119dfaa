import { onPath } from "../../../../scripts/bench/bed/peers.ts";
import { assertEquals } from "../../../assert.ts";

Deno.test("a program is found in each directory of PATH, once for each file that it is", async () => {
  const root = await Deno.makeTempDir();
  const path = Deno.env.get("PATH");
  try {
    for (const directory of ["a", "b", "c"]) await Deno.mkdir(`${root}/${directory}`);
    await Deno.writeTextFile(`${root}/a/slirp`, "");
    await Deno.symlink(`${root}/a/slirp`, `${root}/b/slirp`);
    await Deno.writeTextFile(`${root}/c/slirp`, "");
    Deno.env.set("PATH", `${root}/a:${root}/b:${root}/c:${root}/none`);
    assertEquals(await onPath("slirp"), [`${root}/a/slirp`, `${root}/c/slirp`]);
    assertEquals(await onPath("pasta"), []);
  } finally {
    if (path !== undefined) Deno.env.set("PATH", path);
    await Deno.remove(root, { recursive: true });
  }
});
