/** `slirpnetstack run` in a terminal: its foreground group, Ctrl-C, Ctrl-Z and `fg`, and the terminal after the end. */
import { check } from "../../../scripts/lab/process.ts";
import { inTerminal } from "../../../scripts/lab/terminal.ts";
import { assert, assertMatch } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

const CTRL_C = "\x03", CTRL_D = "\x04", CTRL_Z = "\x1a";
/** The prompts of the shell outside and of one inside. */
const PROMPT = "until:OUT> ", INNER = "until:IN> ";
const INNER_SHELL = "env PS1='I''N> ' bash --norc --noprofile -i";

let made: Promise<RunBed> | null = null;
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

/** Types into an interactive shell outside; `RUN` is `slirpnetstack run`. Returns the terminal's output. */
async function session(steps: readonly string[], shell = ["bash", "--norc", "--noprofile", "-i"]): Promise<string> {
  const bed = await (made ??= RunBed.create());
  const run = [...bed.program, "run"].map((word) => `'${word}'`).join(" ");
  const words = ["env", "PS1=OUT> ", `HISTFILE=`, ...shell].map((word) => word.replaceAll("RUN", run));
  const outside = shell[0] === "bash" ? [PROMPT, ...steps.map((step) => step.replace("RUN", run))] : steps;
  const shown = await check(inTerminal(outside, bed.asUser(words)), { timeout: 60_000 });
  await bed.nothingLeft();
  return shown;
}

e2e("run in a terminal: a command is interrupted, and the status says so", async () => {
  // no shell: one that is about to start a program holds the signal back until that has ended
  const steps = ["type:RUN tail -n 1 -f LICENSE\n", "until:DAMAGE", `type:${CTRL_C}`, PROMPT];
  const shown = await session([...steps, "type:echo status=$?\n", "until:status=130", PROMPT, "type:exit\n"]);
  assert(!/rror|panic/.test(shown), shown);
});

e2e("run in a terminal: Ctrl-C reaches the command only", async () => {
  const script = `'trap "echo g""ot; exit 9" INT; echo rea""dy; read line'`;
  const steps = [`type:RUN sh -c ${script}\n`, "until:ready", `type:${CTRL_C}`, "until:got", PROMPT];
  await session([...steps, "type:echo status=$?\n", "until:status=9", PROMPT, "type:exit\n"]);
});

e2e("run in a terminal: Ctrl-Z stops it, fg continues it", async () => {
  const script = `'echo rea""dy; read line; echo "g""ot $line"'`;
  const steps = [`type:RUN sh -c ${script}\n`, "until:ready", `type:${CTRL_Z}`, "until:Stopped", PROMPT];
  await session([...steps, "type:fg\n", "type:words\n", "until:got words", PROMPT, "type:exit\n"]);
});

e2e("run in a terminal: a shell inside has job control, can be suspended, and gives the terminal back", async () => {
  await session([
    ...[
      `type:RUN ${INNER_SHELL}\n`,
      INNER,
      `type:sh -c 'echo rea""dy; read line'\n`,
      "until:ready",
      `type:${CTRL_Z}`,
      "until:Stopped",
      INNER,
    ],
    ...["type:kill %1; fg\n", INNER, "type:sleep 100 & jobs\n", "until:Running", INNER],
    ...[
      "type:suspend -f\n",
      "until:Stopped",
      PROMPT,
      "type:fg\n",
      "until:--noprofile -i",
      "type:echo again$((1+1))\n",
      "until:again2",
      INNER,
    ],
    ...["type:exit 3\n", PROMPT, "type:echo status=$?\n", "until:status=3", PROMPT],
    ...[
      `type:sh -c 'echo rea""dy; cat'\n`,
      "until:ready",
      "type:mine\n",
      "until:mine\r\nmine",
      `type:${CTRL_D}`,
      PROMPT,
      "type:exit\n",
    ],
  ]);
});

e2e(
  "run in a terminal: Ctrl-C in a shell inside ends the line that is typed, or the child, and not the shell",
  async () => {
    const prompt = [
      `type:RUN ${INNER_SHELL}\n`,
      INNER,
      "type:unfinished",
      "until:unfinished",
      `press:${CTRL_C}`,
      INNER,
    ];
    const child = ["type:tail -n 1 -f LICENSE\n", "until:DAMAGE", `type:${CTRL_C}`, INNER];
    const alive = ["type:echo child=$? shell=$((1+1))\n", "until:child=130 shell=2", INNER];
    const end = ["type:exit 7\n", PROMPT, "type:echo status=$?\n", "until:status=7", PROMPT, "type:exit\n"];
    const shown = await session([...prompt, ...child, ...alive, ...end]);
    assert(!/not found|panic/.test(shown), shown);
  },
);

e2e(
  "run in a terminal: what is read there is waited for, though the user may not open the terminal's file",
  async () => {
    const script = `'grep ^flags /proc/self/fdinfo/0; echo rea""dy; read line; echo "g""ot $line"; cat'`;
    const steps = [
      `type:RUN sh -c ${script}\n`,
      "until:flags:\\s+0(\\d*[0-3]\\d\\d)?2\r",
      "until:ready",
      "type:words\n",
      "until:got words",
    ];
    await session([...steps, "type:more\n", "until:more\r\nmore", `type:${CTRL_D}`, PROMPT, "type:exit\n"]);
  },
);

e2e("run in a terminal: without a command, the user's shell; a script goes on with the terminal", async () => {
  const shown = await session(
    [
      PROMPT,
      "type:echo in$((1+1))\n",
      "until:in2",
      "type:exit 4\n",
      "until:status=4",
      "type:mine\n",
      "until:got mine",
    ],
    ["sh", "-c", `RUN; echo status=$?; read line; echo got $line`],
  );
  assertMatch(shown, /\nstatus 0\n$/);
});

e2e("run in a terminal: in a pipeline, it shares the terminal with the others", async () => {
  const steps = [`type:RUN echo pi""ped | sh -c 'cat; read line </dev/tty; echo "g""ot $line"'\n`, "until:\npiped"];
  await session([...steps, "type:words\n", "until:got words", PROMPT, "type:exit\n"]);
});
