/**
 * An address at which the program serves people and scripts: `tcp://IP:PORT` or `unix://PATH`.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import { splitParts } from "./bracketed.ts";
import { quote } from "./go_quote.ts";
import { InvalidValue } from "./invalid_value.ts";
import { parsePort } from "./numbers.ts";

/** A Unix socket to serve at. */
export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

/** An address to serve at. */
export type ServiceAddress = { readonly kind: "tcp"; readonly endpoint: Endpoint } | UnixAddress;

/** The longest path of a socket: `sun_path` of struct sockaddr_un has 108 bytes, one of them for the end. */
export const MAX_SOCKET_PATH = 107;

/** Parses an address. Port 0 is any free port. Throws an {@linkcode InvalidValue}. */
export function parseServiceAddress(text: string): ServiceAddress {
  const { network, rest } = split(text, "must be tcp://IP:PORT or unix://PATH");
  if (network === "unix") return { kind: "unix", path: checkPath(rest) };
  if (network !== "tcp") throw new InvalidValue(`unknown network type ${quote(network)}`);
  const parts = splitParts(rest);
  if (parts.length === 1) throw new InvalidValue(`missing port in address ${quote(rest)}`);
  if (parts.length > 2) throw new InvalidValue(`too many colons in address ${quote(rest)}, IPv6 needs brackets`);
  const address = IpAddress.tryParse(parts[0]);
  if (address === null) throw new InvalidValue(`not an IP address: ${quote(parts[0])}`);
  return { kind: "tcp", endpoint: { address, port: parsePort(parts[1]) } };
}

/** Reads one that must be a Unix socket, which only its owner can reach. Throws an {@linkcode InvalidValue}. */
export function parseUnixAddress(text: string): UnixAddress {
  const only = "must be unix://PATH";
  const { network, rest } = split(text, only);
  if (network !== "unix") throw new InvalidValue(only);
  return { kind: "unix", path: checkPath(rest) };
}

function split(text: string, form: string): { network: string; rest: string } {
  const [, network, rest] = /^([a-z]*):\/\/(.*)$/s.exec(text) ?? [];
  if (network === undefined || rest === undefined) throw new InvalidValue(form);
  return { network, rest };
}

function checkPath(path: string): string {
  if (path === "") throw new InvalidValue("a path is missing");
  if (path.includes("\0")) throw new InvalidValue("a path can't have a NUL in it");
  const length = new TextEncoder().encode(path).length;
  if (length > MAX_SOCKET_PATH) {
    throw new InvalidValue(`a path of ${length} bytes: a socket's may have ${MAX_SOCKET_PATH}`);
  }
  return path;
}
