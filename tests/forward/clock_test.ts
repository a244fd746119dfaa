/** Times that are waited for are told by a clock that doesn't jump: the time of day is for people alone. */
import { assertEquals } from "../assert.ts";

/** Where the time of day is shown: the capture, the age of a build, the start of the process. */
const SHOWN = ["forward/capture/wall_clock.ts", "forward/metrics/process_figures.ts", "forward/cli/version.ts"];

Deno.test("nothing but what is shown to people reads the time of day", async () => {
  const root = new URL("../../", import.meta.url);
  const found: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
      const path = `${folder}${name}`;
      if (isDirectory) await look(`${path}/`);
      else if (
        name.endsWith(".ts") && /\bDate\b\s*[.(]|\btimeOrigin\b/.test(await Deno.readTextFile(new URL(path, root)))
      ) {
        found.push(path);
      }
    }
  };
  for (const folder of ["ffi/", "stack/", "forward/"]) await look(folder);
  assertEquals(found.filter((path) => !SHOWN.includes(path)), []);
});
