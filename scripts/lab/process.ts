/**
 * Commands that run to their end, and processes that stay. Output is kept line by line, and each process is ended by
 * its own process id.
 *
 * @module
 */
import { until } from "./until.ts";

/** The most lines kept of a process's output. Later ones are read and dropped, because some processes never stop. */
const MAX_LINES = 100_000;

/** ms to wait for a pipe to close after its process has ended, because a child may hold it. */
const LAST_WORDS = 500;

/** The result of a command. */
export interface Result {
  /** The exit status; 128 + number for a signal, as in a shell. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The bytes of stdout. */
  readonly bytes: Uint8Array;
  /** From start to end. */
  readonly milliseconds: number;
}

/** Options of {@linkcode run} and {@linkcode Process.start}. */
export interface RunOptions {
  /** The command's stdin; /dev/null unless given. */
  readonly stdin?: string | Uint8Array;
  /** ms until the command is killed and an Error thrown; default 30,000. */
  readonly timeout?: number;
  /** Working directory. */
  readonly cwd?: string;
  /** More environment variables. */
  readonly env?: Record<string, string>;
}

/** Runs a command to its end. Throws only when it can't be started or takes too long. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Result> {
  const started = performance.now();
  const timeout = options.timeout ?? 30_000;
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...placement(options),
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    signal(child, "SIGKILL");
  }, timeout);
  try {
    const [output] = await Promise.all([child.output(), feed(child, options.stdin)]);
    if (late) throw new Error(`took longer than ${timeout} ms: ${command.join(" ")}`);
    const decoder = new TextDecoder();
    return {
      code: output.code,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
      bytes: output.stdout,
      milliseconds: performance.now() - started,
    };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Like {@linkcode run}, but throws an Error with the command's output for a status other than 0. Returns its stdout.
 */
export async function check(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, options);
  if (result.code !== 0) {
    throw new Error(`status ${result.code} from: ${command.join(" ")}\n${result.stderr}${result.stdout}`);
  }
  return result.stdout;
}

/** A process that stays until it is stopped. Disposing of it stops it. */
export class Process implements AsyncDisposable {
  /** The lines printed so far, without line ends. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Its process id. */
  readonly pid: number;
  /** Resolves with the exit status (128 + number for a signal) once it has ended and all its output has been read. */
  readonly ended: Promise<number>;
  /** The exit status, null while it runs. */
  code: number | null = null;
  private readonly input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  private constructor(private readonly child: Deno.ChildProcess, readonly command: readonly string[]) {
    this.pid = child.pid;
    this.input = child.stdin.getWriter();
    this.ended = this.follow();
  }

  /** Starts a command; its stdin is a pipe ({@linkcode say}). */
  static start(command: readonly string[], options: Pick<RunOptions, "cwd" | "env"> = {}): Process {
    const child = new Deno.Command(command[0], {
      args: command.slice(1),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...placement(options),
    }).spawn();
    return new Process(child, command);
  }

  /** Reads its output until it has ended. Output of its own children is not awaited for long. */
  private async follow(): Promise<number> {
    const enough = new AbortController();
    const output = [
      collect(this.child.stdout, this.stdout, enough.signal),
      collect(this.child.stderr, this.stderr, enough.signal),
    ];
    const { code } = await this.child.status;
    const timer = setTimeout(() => enough.abort(), LAST_WORDS);
    await Promise.all(output);
    clearTimeout(timer);
    return this.code = code;
  }

  /**
   * Waits for a line that matches, at the index `first` or later, and returns the match. Throws with the output so far
   * when the process ends first, or after `timeout` ms (10,000).
   */
  async line(on: "stdout" | "stderr", pattern: RegExp, timeout = 10_000, first = 0): Promise<RegExpExecArray> {
    const lines = this[on];
    let seen = first;
    const look = (): RegExpExecArray | null => {
      while (seen < lines.length) {
        const match = pattern.exec(lines[seen++]);
        if (match !== null) return match;
      }
      if (this.code !== null) throw new Error(`ended with status ${this.code}`);
      return null;
    };
    try {
      return await until(`${pattern} on ${on}`, timeout, look);
    } catch (cause) {
      const said = [...this.stderr, ...this.stdout].slice(-40).join("\n");
      throw new Error(`${cause instanceof Error ? cause.message : cause}: ${this.command.join(" ")}\n${said}`, {
        cause,
      });
    }
  }

  /** Waits until it has ended by itself. Returns the exit status. Throws after `timeout` ms. */
  async end(timeout = 10_000): Promise<number> {
    return await until(`the end of ${this.command.join(" ")}`, timeout, () => this.code);
  }

  /** Writes to its stdin. */
  async say(text: string): Promise<void> {
    await this.input.write(new TextEncoder().encode(text));
  }

  /** Closes its stdin. */
  async sayEnd(): Promise<void> {
    await this.input.close().catch(() => {}); // it may have closed its end before
  }

  /** Sends a signal. Does nothing when it has ended. */
  signal(name: Deno.Signal): void {
    if (this.code === null) signal(this.child, name);
  }

  /** Ends it with SIGTERM, and with SIGKILL if it still runs after `patience` ms. Returns the exit status. */
  async stop(patience = 2_000): Promise<number> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), patience);
    const code = await this.ended;
    clearTimeout(timer);
    await this.sayEnd();
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function placement(options: RunOptions): Pick<Deno.CommandOptions, "cwd" | "env"> {
  return {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  };
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // a TypeError: it ended meanwhile
  }
}

async function feed(child: Deno.ChildProcess, stdin: string | Uint8Array | undefined): Promise<void> {
  if (stdin === undefined) return;
  const writer = child.stdin.getWriter();
  const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : Uint8Array.from(stdin);
  try {
    await writer.write(bytes);
    await writer.close();
  } catch {
    // It ended without reading everything: its status tells why.
  }
}

async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, lines: string[], enough: AbortSignal) {
  let rest = "";
  try {
    for await (const text of stream.pipeThrough(new TextDecoderStream(), { signal: enough })) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      lines.push(...parts.slice(0, MAX_LINES - lines.length));
    }
  } catch (error) {
    if (!enough.aborted) throw error;
  }
  if (rest !== "") lines.push(rest);
}
