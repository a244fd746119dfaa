/**
 * slirpnetstack connects a guest's network namespace to the host's network, without privileges over the host's network,
 * through a TCP/IP stack of its own.
 *
 * This module starts the process. Reading the command line answers help, `-version` and mistakes. The modules of the
 * program proper (ffi/program/) are loaded only after that: loading them takes longer than such an answer.
 *
 * @module
 */
import config from "./deno.json" with { type: "json" };
import { HELPER_WORD } from "./ffi/guest/helper_protocol.ts";
import { invocationName } from "./ffi/process/invocation_name.ts";
import { readTextFile as read } from "./ffi/libc/text_file.ts";
import { findUser } from "./ffi/sandbox/users.ts";
import { type Command, readCommandLine } from "./forward/cli/command_line.ts";
import { Life } from "./forward/cli/life.ts";
import { missingPermissions } from "./forward/cli/permissions.ts";
import { ExitStatus, permissionsMissing } from "./forward/report/contract_lines.ts";
import { Output } from "./forward/report/output.ts";
import { StartFailed } from "./forward/report/start_failed.ts";

/** The names of the programs that this one stands in for: as that of a link to it, or as its first word. */
const SLIRP4NETNS = "slirp4netns", PASTA = "pasta";

/** The first word of the process in the background in place of pasta, before the descriptor to tell that it serves by. */
const PASTA_DAEMON = "--pasta-daemon";

const { version } = config;
const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);
const life = new Life({ stdout, stderr, exit: Deno.exit });

/** Reads the command line, and starts the program unless that has said everything. */
async function main(args: readonly string[]): Promise<void> {
  const missing = missingPermissions();
  if (missing.length > 0) throw new StartFailed(ExitStatus.FAILURE, permissionsMissing(missing));
  const command = await readAs(invoked(args));
  if (command.kind === "end") return life.end(command.status);
  if (command.kind === "background") {
    const { startInBackground } = await import("./ffi/process/background.ts");
    const started = startInBackground(args.length, PASTA_DAEMON, command.words);
    stderr.text(started.stderr);
    return life.end(started.status);
  }
  const { Program } = await import("./ffi/program/program.ts");
  await new Program({ version, stdout, stderr, life }).start(command);
}

/** The program that this one is to be, and its arguments. */
interface Invoked {
  readonly name: string;
  readonly args: readonly string[];
}

/** The program stands in for another under the other's name, or when that is its first word. */
function invoked(args: readonly string[]): Invoked {
  const [first = ""] = args;
  if ([SLIRP4NETNS, PASTA, PASTA_DAEMON].includes(first)) return { name: first, args: args.slice(1) };
  return { name: Deno.build.standalone ? invocationName() : "", args };
}

function readAs({ name, args }: Invoked): Promise<Command> {
  if (name === SLIRP4NETNS) return readAsSlirp4netns(args);
  if (name === PASTA) return readAsPasta(args, null);
  if (name === PASTA_DAEMON) return readAsPasta(args.slice(1), Number(args[0]));
  return readCommandLine(args, { version, stdout, stderr, read, findUser });
}

async function readAsSlirp4netns(words: readonly string[]): Promise<Command> {
  const { readSlirp4netnsCommandLine } = await import("./forward/cli/slirp4netns/command_line.ts");
  const { interfaceAddress } = await import("./ffi/network/interface_address.ts");
  const { missingPath: missing } = await import("./ffi/process/missing_path.ts");
  return await readSlirp4netnsCommandLine(words, { version, stdout, stderr, missing, interfaceAddress });
}

/** `daemon`: the descriptor by which the process in the background tells that it serves; null: this is not that process. */
async function readAsPasta(words: readonly string[], daemon: number | null): Promise<Command> {
  const { readPastaCommandLine } = await import("./forward/cli/pasta/command_line.ts");
  const { hostLink } = await import("./ffi/network/host_link.ts");
  return await readPastaCommandLine(words, daemon, { version, stdout, stderr, hostLink });
}

// an executable has no other module to start the helper from
if (Deno.args[0] === HELPER_WORD) {
  const { runHelper } = await import("./ffi/guest/helper.ts");
  runHelper(Number(Deno.args[1]));
}
life.takeStrays(globalThis);
await life.live(() => main(Deno.args));
