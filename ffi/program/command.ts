/**
 * The guest of `run`, and its command.
 *
 * @module
 */
import { ENOENT, ENOTDIR, errnoText, SystemError } from "../libc/errors.ts";
import { readTextFileIfThere } from "../libc/text_file.ts";
import { GuestCommand, type GuestCommandRequest, GuestError, mayMakeNamespaces } from "../guest/guest_command.ts";
import { guestNetwork } from "../../forward/addresses/guest_configuration.ts";
import type { RunOptions } from "../../forward/cli/flags/options.ts";
import { guestResolvConf } from "../../forward/dns/guest_resolv_conf.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import { attempt, StartFailed } from "../../forward/report/start_failed.ts";

export { follow, passSignalsOn, Terminal } from "../guest/job_control.ts";

const { ExitStatus } = lines;

/** Starts the helper that makes a guest for a command. Throws a {@linkcode StartFailed}. */
export function prepare(
  options: RunOptions,
  command: Pick<GuestCommandRequest, "command" | "ownGroup" | "descriptorLimit">,
): GuestCommand {
  const { interface: name, mtu, offload, macAddress, dns, dnsNames, keepUser: keepIds, addresses } = options;
  const servers = [addresses.dns4, addresses.dns6];
  return attempt(ExitStatus.DEVICE, lines.guestFailed, () =>
    GuestCommand.prepare({
      interface: name,
      mtu,
      offload,
      network: { ...guestNetwork(mtu, addresses), mac: macAddress === null ? null : [...macAddress] },
      keepIds,
      ...command,
      userNamespace: options.userNamespace || !mayMakeNamespaces(),
      resolvConf: dns ? guestResolvConf(readTextFileIfThere("/etc/resolv.conf"), servers, dnsNames) : null,
    }));
}

/** Starts the command. Throws a {@linkcode StartFailed}, with the status that shells use when a command can't run. */
export function execute(guest: GuestCommand, name: string): void {
  try {
    guest.start();
  } catch (error) {
    if (error instanceof GuestError) throw new StartFailed(ExitStatus.DEVICE, lines.guestFailed(error.message));
    if (!(error instanceof SystemError)) throw error;
    const missing = error.errno === ENOENT || error.errno === ENOTDIR;
    const status = missing ? ExitStatus.NOT_FOUND : ExitStatus.NOT_EXECUTABLE;
    throw new StartFailed(status, lines.commandFailed(name, errnoText(error.errno)));
  }
}
