/**
 * Resolves names in the configuration that are looked up when it is read.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { InvalidValue } from "./invalid_value.ts";

/** Returns all addresses of a name, or rejects. An address resolves to itself. */
export type Resolver = (name: string) => Promise<readonly IpAddress[]>;

/**
 * Asks the host's resolver (getaddrinfo: `/etc/hosts` counts, unlike for `Deno.resolveDns`). Rejects with an
 * {@linkcode InvalidValue}.
 */
export async function resolveOnHost(name: string): Promise<readonly IpAddress[]> {
  try {
    const { lookup } = await import("node:dns/promises"); // most starts look no name up
    const found = await lookup(name, { all: true });
    return found.map(({ address }) => IpAddress.parse(address.replace(/%.*$/, ""))); // a zone means nothing here
  } catch (error) {
    throw new InvalidValue(reason(error), { cause: error });
  }
}

/** EAI_NONAME, "there is no such name", is ENOTFOUND here. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOTFOUND") return "no such host";
  if (code === "EAI_AGAIN") return "temporary failure in name resolution";
  return error.message;
}

/**
 * Returns all addresses of a name, at least one. A text that ends in a number is no name (RFC 3696, section 2), but the C
 * library reads it as an address in ways of its own: `010.0.0.1` as octal, `127.1`, `0x7f000001`. Such a text is refused,
 * because the user may mean another address. Rejects with an {@linkcode InvalidValue} `lookup NAME: REASON`, whatever
 * error the resolver gave.
 */
export async function lookUp(name: string, resolve: Resolver): Promise<readonly IpAddress[]> {
  if (isNumeric(name)) {
    throw new InvalidValue(`lookup ${name}: no such host`);
  }
  let found: readonly IpAddress[];
  try {
    found = await resolve(name);
  } catch (error) {
    throw new InvalidValue(`lookup ${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  if (found.length === 0) throw new InvalidValue(`lookup ${name}: no such host`);
  return found;
}

function isNumeric(name: string): boolean {
  return IpAddress.tryParse(name) === null && /(^|\.)(\d+|0x[\da-f]*)\.?$/i.test(name);
}
