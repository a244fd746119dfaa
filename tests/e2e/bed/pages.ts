/**
 * The project's Markdown pages for tests: the commands in their fenced blocks, by heading, and terminals to type them
 * into.
 *
 * @module
 */
import type { Lab } from "../../../scripts/lab/lab.ts";
import { Process } from "../../../scripts/lab/process.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";

/** The project's pages, by their paths in it: every file in Markdown. */
export function pages(folder = ""): string[] {
  return [...Deno.readDirSync(`${PROJECT}${folder}`)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return name === ".git" || name === "node_modules" ? [] : pages(`${folder}${name}/`);
    return name.endsWith(".md") ? [`${folder}${name}`] : [];
  }).toSorted();
}

/** The ```sh blocks of a page under each heading that has some, in order. */
export function commandBlocks(page = "README.md"): Map<string, string[]> {
  const blocks = new Map<string, string[]>();
  let heading = "";
  for (const match of Deno.readTextFileSync(`${PROJECT}${page}`).matchAll(/^#+ (.+)$|^```sh\n([^]*?)^```$/gm)) {
    if (match[1] !== undefined) heading = match[1];
    else blocks.set(heading, [...blocks.get(heading) ?? [], match[2]]);
  }
  return blocks;
}

/** A shell in the lab's host, in the project's folder, that has a `deno` and the alias of the README's installation. */
export class Terminal {
  private constructor(readonly shell: Process) {}

  /** Opens one; `before` is put before the shell's command line. */
  static async open(lab: Lab, before: readonly string[] = []): Promise<Terminal> {
    const bin = `${lab.directory}/bin`;
    await Deno.mkdir(bin, { recursive: true });
    await Deno.symlink(Deno.execPath(), `${bin}/deno`).catch(() => {}); // an earlier terminal has made it
    // in a session of its own: where the tests have a terminal, SIGINT is taken for one that is typed there
    const command = lab.host.enter([...before, "setsid", "--wait", "bash"]);
    const env = { PATH: `${bin}:${Deno.env.get("PATH")}`, NO_COLOR: "1" };
    const terminal = new Terminal(lab.adopt(Process.start(command, { cwd: PROJECT, env })));
    // `deno task` leaves INIT_CWD as it is: what the task that runs the tests has set
    const start = `unset INIT_CWD\ncd '${PROJECT}'\nshopt -s expand_aliases\n`;
    await terminal.type(`${start}${commandBlocks().get("Install")!.at(-1)!}`);
    return terminal;
  }

  /** Makes `slirpnetstack` a program, which an alias of bash's is not. The program becomes that command. */
  static async makeProgram(lab: Lab, command: readonly string[] = ["deno", "task", "start"]): Promise<void> {
    const path = `${lab.directory}/bin/slirpnetstack`;
    await Deno.writeTextFile(path, `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o755 });
  }

  /** Types lines, without waiting for them. */
  async type(lines: string): Promise<void> {
    await this.shell.say(lines);
  }

  /** Types lines and waits until they are done. Returns their stdout. Throws when the last one failed. */
  async run(lines: string): Promise<string> {
    const mark = `done-${crypto.randomUUID()}`;
    const from = this.shell.stdout.length;
    await this.type(`${lines}\necho "${mark} $?"\n`);
    const end = await this.shell.line("stdout", new RegExp(`${mark} (\\d+)$`), 30_000);
    const said = this.shell.stdout.slice(from, -1).join("\n");
    if (end[1] !== "0") throw new Error(`status ${end[1]} from:\n${lines}\n${this.shell.stderr.join("\n")}\n${said}`);
    return said;
  }

  /** Starts the program with a command line of a page; returns when it has started. */
  async start(command: string): Promise<void> {
    const earlier = this.shell.stderr.length;
    await this.type(command);
    await this.shell.line("stderr", /^\[\+\] #(\d+) Slirpnetstack started$/, 20_000, earlier);
  }

  /** Interrupts the program that {@linkcode start} has started, as Ctrl-C does. */
  async interrupt(): Promise<void> {
    const started = this.shell.stderr.findLast((line) => line.endsWith("Slirpnetstack started"))!;
    Deno.kill(Number(/#(\d+)/.exec(started)![1]), "SIGINT");
    await this.run("true");
  }
}

/** Ethernet frames from a stream, each preceded by its length in four bytes, most significant first. */
export class FrameStream {
  private readonly buffered: number[] = [];

  constructor(private readonly stream: Deno.Conn) {}

  /** The next frame. Throws at the end of the stream. */
  async next(): Promise<Uint8Array> {
    const length = new DataView((await this.take(4)).buffer).getUint32(0);
    return await this.take(length);
  }

  private async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunk = new Uint8Array(4096);
    while (this.buffered.length < count) {
      const size = await this.stream.read(chunk);
      if (size === null) throw new Error("the stream has ended");
      this.buffered.push(...chunk.subarray(0, size));
    }
    return Uint8Array.from(this.buffered.splice(0, count));
  }
}
