/** The program's log, from a program in the sandbox. */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { launchProgram } from "../../../scripts/lab/program.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { client, ForwardBed } from "../bed/forward_bed.ts";
import { assertServing, MisfortuneBed } from "../bed/misfortune_bed.ts";

const beds = new MisfortuneBed();

/** The objects of a log in JSON. */
function records(path: string): Record<string, unknown>[] {
  return Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line));
}

e2e(
  "-log: start, device, refusals, limits and the end, in JSON, from the sandbox; stdout has nothing of it",
  async () => {
    let bed = await beds.with();
    const path = `${bed.lab.directory}/log`;
    await Deno.writeTextFile(path, '{"message":"before"}\n');
    const flags = ["-log", path, "-log-level=debug", "-log-format", "json", "-sandbox", "-deny", `${WORLD.v4}:9`];
    bed = await beds.with([...flags, "-max-udp-associations=2"]);
    await assertServing(bed);
    for (let attempt = 0; attempt < 2; attempt++) {
      const { code } = await bed.guest.run(["curl", "--silent", "--max-time", "5", `http://${WORLD.v4}:9/`]);
      assertEquals(code, 7, "refused");
    }
    await until("the limit in the log", 20_000, async () => {
      await bed.client("udp", WORLD.v4, 7, 1, 2, 3); // an association ends early if an answer comes too late for its client
      return records(path).some(({ message }) => message === "limit reached");
    });
    await bed.program.stop();
    const all = records(path);
    const the = (event: string) => {
      const found = all.find(({ message }) => message === event);
      assert(found !== undefined, `${event}: ${all.map(({ message }) => message).join(", ")}`);
      return found;
    };
    assertEquals(all[0].message, "before", "it is appended");
    assertEquals(all[1].message, "starting");
    assert(Array.isArray(the("starting").flags), "the command line");
    assertStringIncludes(String(the("starting").flags), "-max-udp-associations=2");
    assertEquals(the("device open").name, "tun0");
    assertEquals(the("device open").mtu, 1500);
    assertEquals(the("power given up").sandbox, true);
    assertEquals(the("flow open").kind, "routed");
    assertEquals(the("refused by the policy").to, `${WORLD.v4}:9`);
    assertEquals(the("refused by the policy").rule, "deny");
    const refusals = all.filter(({ message }) => message === "refused by the policy");
    assertEquals(refusals.length, 1, "each rule and destination is logged once");
    assertEquals(the("limit reached").resource, "udp_associations");
    assertEquals(the("limit reached").level, "WARN");
    assertEquals(all.at(-1)!.message, "ending");
    assert(!bed.program.stdout.some((line) => line.includes("message")), "stdout");
    assert(!bed.program.stderr.some((line) => line.includes("message")), "stderr");
  },
);

const forwards = new ForwardBed("host");

e2e("-log-level alone: text on stderr, between the usual lines; names of forwards", async () => {
  const bed = await forwards.with("-log-level", "info", "-R", "9100:localhost:9100");
  await client(bed.guest, "ask", "10.0.2.2", 9100);
  const time = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
  await bed.program.line("stderr", new RegExp(`${time} INFO device open: name=tun0 medium=ethernet mtu=1500 `));
  await bed.program.line(
    "stderr",
    new RegExp(`${time} INFO name resolved: name=localhost endpoint=127\\.0\\.0\\.1:9100$`),
  );
  assert(bed.program.stderr.some((line) => /^\[\+\] #\d+ Slirpnetstack started$/.test(line)), "its own lines");
  assert(!bed.program.stderr.some((line) => line.includes(" DEBUG ")), "no debug records");
});

e2e("-log: a file that can't be opened ends the start, and so is in no log", async () => {
  const bed = await forwards.get();
  await bed.program.stop();
  await using program = launchProgram(bed.lab.host, ["-netns", bed.guest.path, "-log", "/nowhere/log"]);
  assertEquals(await program.end(), 1, program.stderr.join("\n"));
  assertMatch(program.stderr.at(-1)!, /^\[!\] Failed to open log file: .*\/nowhere\/log.*ENOENT/);
});
