/**
 * Makes `scripts/session.svg`, the README's picture of a session, from the output of a real terminal: the commands
 * below, typed into a shell in a lab whose world has the addresses that they call. Needs root.
 *
 *     deno run -A scripts/build/session.ts
 *
 * @module
 */
import { Lab } from "../lab/lab.ts";
import { check } from "../lab/process.ts";
import { programCommand, PROJECT } from "../lab/program.ts";
import { startServers } from "../lab/services.ts";
import { inTerminal } from "../lab/terminal.ts";

const COMMANDS: readonly string[] = [
  "slirpnetstack run sh",
  "ip -brief address show dev tun0",
  "curl http://1.1.1.1/",
  "ping -c 1 1.1.1.1",
  "exit 42",
  "echo $?",
];

const PROMPT = "$ ";
/** The size of a character and the picture's edge, in its units. */
const WIDTH = 8.4, HEIGHT = 18, EDGE = 12;

const XML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

if (import.meta.main) await Deno.writeTextFile(new URL("../session.svg", import.meta.url), picture(await session()));

/** The terminal's output, line by line. */
async function session(): Promise<string[]> {
  await using lab = await Lab.create();
  await lab.addWorldAddress("1.1.1.1");
  await startServers(lab, lab.world, ["1.1.1.1"]);
  await lab.host.sysctl({ "ipv4/ping_group_range": "0 2147483647" });
  const bin = `${lab.directory}/slirpnetstack`;
  await Deno.writeTextFile(bin, `#!/bin/sh\nexec ${programCommand().map((word) => `'${word}'`).join(" ")} "$@"\n`);
  await Deno.chmod(bin, 0o755);
  const steps = COMMANDS.flatMap((command) => ["until:\\$ $", `type:${command}\n`]);
  const shell = ["env", `PS1=${PROMPT}`, `PATH=${lab.directory}:${Deno.env.get("PATH")}`, "sh"];
  const shown = await check(lab.host.enter(inTerminal([...steps, "until:\\$ $", "type:\x04"], shell)), {
    cwd: PROJECT,
    timeout: 60_000,
  });
  const lines = shown.replaceAll("\r", "").split("\n");
  return lines.slice(0, lines.lastIndexOf(PROMPT)); // the rest is the end of the shell
}

/** An SVG that looks like a terminal. */
function picture(lines: readonly string[]): string {
  const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * WIDTH) + 2 * EDGE;
  const height = lines.length * HEIGHT + 2 * EDGE;
  const texts = lines.map((line, i) => {
    const bold = line.startsWith(PROMPT) ? ' font-weight="bold"' : "";
    const text = line.replace(/[&<>]/g, (character) => XML[character]);
    return `<text x="${EDGE}" y="${EDGE + (i + 0.75) * HEIGHT}" xml:space="preserve"${bold}>${text}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<rect width="100%" height="100%" rx="6" fill="#1e1e1e"/>
<g font-family="monospace" font-size="14" fill="#dddddd">
${texts.join("\n")}
</g>
</svg>
`;
}
