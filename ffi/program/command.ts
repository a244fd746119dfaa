/**
 * The guest of `run`, and its command.
 *
 * @module
 */
import * as system from "../mod.ts";
import { guestNetwork } from "../../forward/addresses/guest_configuration.ts";
import type { RunOptions } from "../../forward/cli/flags/options.ts";
import { guestResolvConf } from "../../forward/dns/guest_resolv_conf.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import { attempt, StartFailed } from "../../forward/report/start_failed.ts";
import { DEFAULT_ADDRESSES } from "../../stack/link/addresses.ts";

const { ExitStatus } = lines;

/** Starts to make a guest for a command. Throws a {@linkcode StartFailed}. */
export function prepare(
  options: RunOptions,
  command: Pick<system.GuestCommandRequest, "command" | "ownGroup" | "descriptorLimit">,
): system.GuestCommand {
  const { interface: name, mtu, offload, dns, dnsNames, keepUser: keepIds } = options;
  const servers = [DEFAULT_ADDRESSES.dns4, DEFAULT_ADDRESSES.dns6];
  return attempt(ExitStatus.DEVICE, lines.guestFailed, () =>
    system.GuestCommand.prepare({
      interface: name,
      mtu,
      offload,
      network: guestNetwork(mtu),
      keepIds,
      ...command,
      userNamespace: options.userNamespace || !system.mayMakeNamespaces(),
      resolvConf: dns ? guestResolvConf(system.readTextFileIfThere("/etc/resolv.conf"), servers, dnsNames) : null,
    }));
}

/** Starts the command. Throws a {@linkcode StartFailed}, with the status that shells use when a command can't run. */
export function execute(guest: system.GuestCommand, name: string): void {
  try {
    guest.start();
  } catch (error) {
    if (error instanceof system.GuestError) throw new StartFailed(ExitStatus.DEVICE, lines.guestFailed(error.message));
    if (!(error instanceof system.SystemError)) throw error;
    const missing = error.errno === system.ENOENT || error.errno === system.ENOTDIR;
    const status = missing ? ExitStatus.NOT_FOUND : ExitStatus.NOT_EXECUTABLE;
    throw new StartFailed(status, lines.commandFailed(name, system.errnoText(error.errno)));
  }
}
