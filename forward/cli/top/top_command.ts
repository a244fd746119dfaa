/**
 * The command `top`: shows what a running program's guest reaches and is refused, by name.
 *
 *     terminal   a table, new each second, with keys (view.ts)
 *     else       one table, with the rates of one second
 *
 * @module
 */
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { parseServiceAddress, type ServiceAddress } from "../../syntax/service_address.ts";
import { addressText, fetchDocument, NoDocument } from "./read_document.ts";
import { type Screen, View, wholeTable } from "./view.ts";

/** The usage of the command. */
export const TOP_USAGE = "usage: slirpnetstack top tcp://IP:PORT|unix://PATH";

/** Status 1: the address does not answer. 2: the words are wrong. */
const OK = 0, NO_ANSWER = 1, WRONG = 2;

/** How often the table is new, in ms. */
const INTERVAL_MS = 1_000;

/** Columns of a table for a file, and of a terminal that does not tell its size. */
const WIDTH = 80, HEIGHT = 24;

/** The outputs of the command. */
export interface TopOutputs {
  readonly stdout: { text(text: string): void };
  readonly stderr: { text(text: string): void };
}

/** Runs the command to its end. Resolves with the exit status. */
export async function topCommand(args: readonly string[], { stdout, stderr }: TopOutputs): Promise<number> {
  const [word, ...more] = args;
  if (word === "-h" || word === "-help" || word === "--help") {
    stderr.text(`${TOP_USAGE}\n`);
    return OK;
  }
  try {
    if (word === undefined || more.length > 0) throw new InvalidValue("one address is needed, as -m has it");
    const address = parseServiceAddress(word);
    if (Deno.stdin.isTerminal() && Deno.stdout.isTerminal()) await new Watching(address, stdout).run();
    else stdout.text(await oneTable(address));
    return OK;
  } catch (error) {
    if (error instanceof NoDocument) stderr.text(`${error.message}\n`);
    else if (error instanceof InvalidValue) stderr.text(`${error.message}\n${TOP_USAGE}\n`);
    else throw error;
    return error instanceof NoDocument ? NO_ANSWER : WRONG;
  }
}

async function oneTable(address: ServiceAddress): Promise<string> {
  const before = await fetchDocument(address);
  await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  return wholeTable(await fetchDocument(address), before, WIDTH);
}

/** ECMA-48 and xterm: the other screen, and no cursor; from the top; to the end of the line, and of the screen. */
const ENTER = "\x1b[?1049h\x1b[?25l", LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H", TO_LINE_END = "\x1b[K", TO_SCREEN_END = "\x1b[J";

/** An escape sequence of a key, or a character. */
// deno-lint-ignore no-control-regex -- they begin with one
const KEY = /\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|[^]/g;

/** The signals that end the command; the terminal must be as before then. */
const ENDS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The table in a terminal. */
class Watching {
  private readonly view: View;
  private over = false;
  private wake: () => void = () => {};

  constructor(private readonly address: ServiceAddress, private readonly stdout: TopOutputs["stdout"]) {
    this.view = new View(addressText(address));
  }

  /** Shows the table until a key or a signal ends it. Rejects with a {@linkcode NoDocument} if there is none at first. */
  async run(): Promise<void> {
    this.view.update(await fetchDocument(this.address)); // before the screen changes
    const end = () => this.end(), draw = () => this.draw();
    for (const signal of ENDS) Deno.addSignalListener(signal, end);
    Deno.addSignalListener("SIGWINCH", draw);
    Deno.stdin.setRaw(true);
    this.stdout.text(ENTER);
    try {
      this.readKeys();
      while (!this.over) {
        this.draw();
        await this.pause();
        if (!this.over) await this.look();
      }
    } finally {
      this.stdout.text(LEAVE);
      Deno.stdin.setRaw(false);
    }
    for (const rule of this.view.rules) this.stdout.text(`${rule}\n`);
  }

  private async look(): Promise<void> {
    try {
      this.view.update(await fetchDocument(this.address));
    } catch (error) {
      if (!(error instanceof NoDocument)) throw error;
      this.view.failed(error.message);
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, INTERVAL_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async readKeys(): Promise<void> {
    const buffer = new Uint8Array(256);
    while (!this.over) {
      const count = await Deno.stdin.read(buffer);
      if (count === null) return this.end();
      for (const [key] of new TextDecoder().decode(buffer.subarray(0, count)).matchAll(KEY)) {
        if (this.view.press(key)) return this.end();
      }
      this.draw();
    }
  }

  private draw(): void {
    if (this.over) return;
    const lines = this.view.lines(screen());
    this.stdout.text(HOME + lines.map((line) => line + TO_LINE_END).join("\r\n") + TO_SCREEN_END);
  }

  private end(): void {
    this.over = true;
    this.wake();
  }
}

function screen(): Screen {
  const { columns, rows } = Deno.consoleSize();
  return { width: columns || WIDTH, height: rows || HEIGHT, coloured: !Deno.noColor };
}
