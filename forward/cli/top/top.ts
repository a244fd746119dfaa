/**
 * The command `top`: shows by name what a running program's guest uses, and what is refused.
 *
 *     slirpnetstack top unix:///run/slirpnetstack.sock
 *
 * On a terminal, a table that is kept up to date, with keys. Otherwise the table is printed once.
 *
 * @module
 */
import type { NamesSnapshot } from "../../metrics/names/names_json.ts";
import { rated, type RatedRow } from "../../metrics/names/rates.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { parseServiceAddress, type ServiceAddress } from "../../syntax/service_address.ts";
import { askNames } from "./names_client.ts";
import { FIRST_VIEW, KEYS_LINE, pressed, type Screen, table, type View } from "./top_view.ts";

/** The usage of the command. */
export const TOP_USAGE = "usage: slirpnetstack top tcp://IP:PORT | unix://PATH   (what -m was given)";

/** How often the names are asked for, in ms. */
const INTERVAL_MS = 1_000;

/** The width of a table that is not on a terminal. */
const PLAIN_COLUMNS = 80;

/** Where the output goes. */
export interface TopOutput {
  text(text: string): void;
}

/** Runs the command. Resolves with the exit status. */
export async function top(
  args: readonly string[],
  { stdout, stderr }: { readonly stdout: TopOutput; readonly stderr: TopOutput },
): Promise<number> {
  const [text, ...more] = args;
  if (text === undefined || more.length > 0 || text === "-h" || text === "--help") {
    stderr.text(`${TOP_USAGE}\n`);
    return 2;
  }
  try {
    const address = parseServiceAddress(text);
    const first = await askNames(address);
    if (Deno.stdout.isTerminal() && Deno.stdin.isTerminal()) return await new LiveTop(address, first, stdout).run();
    const lines = table(rated(null, first), FIRST_VIEW, { columns: PLAIN_COLUMNS, lines: Infinity, colours: false });
    stdout.text(`${lines.join("\n")}\n`);
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    stderr.text(`${error instanceof InvalidValue ? `${message}\n${TOP_USAGE}` : `[!] ${text}: ${message}`}\n`);
    return error instanceof InvalidValue ? 2 : 1;
  }
}

/** The other screen of terminals, without a cursor; and back. */
const ENTER = "\x1b[?1049h\x1b[?25l",
  LEAVE = "\x1b[?25h\x1b[?1049l",
  HOME = "\x1b[H",
  CLEAR_LINE = "\x1b[K",
  CLEAR_REST = "\x1b[J";

/** The table on a terminal. */
class LiveTop {
  private view: View | null = FIRST_VIEW;
  private before: NamesSnapshot | null = null;
  private rows: readonly RatedRow[];
  private problem: string | null = null;

  constructor(
    private readonly address: ServiceAddress,
    private now: NamesSnapshot,
    private readonly output: TopOutput,
  ) {
    this.rows = rated(null, now);
  }

  async run(): Promise<number> {
    Deno.stdin.setRaw(true);
    this.output.text(ENTER);
    const timer = setInterval(() => this.look(), INTERVAL_MS);
    try {
      this.draw();
      await this.readKeys();
    } finally {
      clearInterval(timer);
      this.output.text(LEAVE);
      Deno.stdin.setRaw(false);
    }
    return 0;
  }

  private async readKeys(): Promise<void> {
    const buffer = new Uint8Array(64), decoder = new TextDecoder();
    for (;;) {
      const length = await Deno.stdin.read(buffer);
      if (length === null) return;
      // deno-lint-ignore no-control-regex
      for (const key of decoder.decode(buffer.subarray(0, length)).match(/\x1b\[[A-Z]|[\s\S]/g) ?? []) {
        if (this.view !== null) this.view = pressed(this.view, key, this.rows);
      }
      if (this.view === null) return;
      this.draw();
    }
  }

  private async look(): Promise<void> {
    try {
      const now = await askNames(this.address);
      [this.before, this.now] = [this.now, now];
      this.rows = rated(this.before, now);
      this.problem = null;
    } catch (error) {
      this.problem = `no answer: ${error instanceof Error ? error.message : error}`;
    }
    this.draw();
  }

  private draw(): void {
    if (this.view === null) return;
    const { columns, rows: lines } = Deno.consoleSize();
    const screen: Screen = { columns, lines: lines - (this.view.showsRule ? 1 : 0), colours: !Deno.noColor };
    const all = [...table(this.rows, this.view, screen), (this.problem ?? KEYS_LINE).slice(0, columns)];
    this.output.text(HOME + all.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_REST);
  }
}
