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

/** The name of the program that this one stands in for: as that of a link to it, or as its first word. */
const SLIRP4NETNS = "slirp4netns";

const { version } = config;
const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);
const life = new Life({ stdout, stderr, exit: Deno.exit });

/** Reads the command line, and starts the program unless that has said everything. */
async function main(args: readonly string[]): Promise<void> {
  const missing = missingPermissions();
  if (missing.length > 0) throw new StartFailed(ExitStatus.FAILURE, permissionsMissing(missing));
  const words = slirp4netnsWords(args);
  const command = words === null
    ? await readCommandLine(args, { version, stdout, stderr, read, findUser })
    : await readAsSlirp4netns(words);
  if (command.kind === "end") return life.end(command.status);
  const { Program } = await import("./ffi/program/program.ts");
  await new Program({ version, stdout, stderr, life }).start(command);
}

/** The arguments for slirp4netns, if the program stands in for it: under its name, or by its first word. Otherwise null. */
function slirp4netnsWords(args: readonly string[]): readonly string[] | null {
  if (args[0] === SLIRP4NETNS) return args.slice(1);
  return Deno.build.standalone && invocationName() === SLIRP4NETNS ? args : null;
}

async function readAsSlirp4netns(words: readonly string[]): Promise<Command> {
  const { readSlirp4netnsCommandLine } = await import("./forward/cli/slirp4netns/command_line.ts");
  const { interfaceAddress } = await import("./ffi/network/interface_address.ts");
  const { missingPath: missing } = await import("./ffi/process/missing_path.ts");
  return await readSlirp4netnsCommandLine(words, { version, stdout, stderr, missing, interfaceAddress });
}

// an executable has no other module to start the helper from
if (Deno.args[0] === HELPER_WORD) {
  const { runHelper } = await import("./ffi/guest/helper.ts");
  runHelper(Number(Deno.args[1]));
}
life.takeStrays(globalThis);
await life.live(() => main(Deno.args));
