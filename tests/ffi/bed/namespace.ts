/**
 * A network namespace for one test, with a device in it.
 *
 * @module
 */

export { IS_ROOT, NEEDS_ROOT } from "../../e2e/bed/installed.ts";

/** A network namespace for one test, deleted when it is disposed of. */
export class TestNamespace implements AsyncDisposable {
  private constructor(readonly name: string) {}

  /** The path to enter it by. */
  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** Makes a namespace and runs `ip` with each of the command lines in it. */
  static async make(...commands: string[]): Promise<TestNamespace> {
    const namespace = new TestNamespace(`slirp-test-${crypto.randomUUID().slice(0, 8)}`);
    await run("ip", "netns", "add", namespace.name);
    try {
      for (const command of commands) await namespace.ip(command);
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
    return namespace;
  }

  /** Runs `ip` in the namespace. */
  ip(command: string): Promise<string> {
    return run("ip", "-n", this.name, ...command.split(" "));
  }

  /** The command line that runs `command` in the namespace. */
  command(...command: string[]): Deno.Command {
    return new Deno.Command("ip", { args: ["netns", "exec", this.name, ...command], stdout: "piped", stderr: "piped" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("ip", "netns", "del", this.name);
  }
}

/** Runs a program and returns its output. Throws with its messages when it fails. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}
