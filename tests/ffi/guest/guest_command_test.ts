import { assertEquals } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT } from "../bed/namespace.ts";

const PROGRAM = new URL("../bed/guest_program.ts", import.meta.url).pathname;

/** The report of guest_program.ts. */
async function outcome(signal: Deno.Signal, ...command: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--cached-only", "-A", "--no-check", PROGRAM, signal, ...command],
    signal: AbortSignal.timeout(30_000),
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

for (const signal of ["SIGINT", "SIGQUIT", "SIGTSTP"] as const) {
  Deno.test(
    `${signal} from the terminal does not keep a command from starting${NEEDS_ROOT}`,
    { ignore: !IS_ROOT },
    async () => {
      assertEquals(await outcome(signal, "sh", "-c", "exit 7"), { kind: "ended", signal: 0, status: 7 });
    },
  );
}

Deno.test(`a command receives the signals that its helper ignores${NEEDS_ROOT}`, { ignore: !IS_ROOT }, async () => {
  assertEquals(await outcome("SIGINT", "sh", "-c", "kill -INT $$; exit 7"), { kind: "ended", signal: 2, status: 130 });
});

Deno.test(`after its helper is killed, the command is not waited for${NEEDS_ROOT}`, { ignore: !IS_ROOT }, async () => {
  assertEquals(await outcome("SIGKILL", "sh", "-c", "exit 7"), { error: "the helper has ended with status 137" });
});
