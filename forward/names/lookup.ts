/**
 * Resolves one end of a forward to an address and a port.
 *
 * | in the flag | lookups |
 * | --- | --- |
 * | an address | none |
 * | a name | the system's resolver |
 * | `NAME@srv-SERVER` | the server for the service record of NAME, then for the host that it names; if it does not know that host, the system's resolver |
 *
 * An IPv4 address is preferred, because a guest or a host without IPv6 is more likely than one without IPv4.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, IpAddress } from "../../stack/base/address.ts";
import type { ForwardEnd } from "../syntax/forward_spec.ts";
import { quote } from "../syntax/go_quote.ts";
import { lookUp } from "../syntax/resolver.ts";
import { unmap } from "../addresses/mapped.ts";
import type { Names, ServiceRecord } from "./names.ts";

/** A name of a forward has no address. The message gives the name and the reason. */
export class LookupError extends Error {
  override name = "LookupError";
  /** Whether there are addresses, and the policy refuses them. */
  readonly prohibited: boolean;

  constructor(message: string, options: ErrorOptions & { readonly prohibited?: boolean } = {}) {
    super(message, options);
    this.prohibited = options.prohibited ?? false;
  }
}

/**
 * Resolves one end of a forward. The port is the SRV record's if there is one. Rejects with a {@linkcode LookupError}.
 *
 * @param random from 0 to below 1, for the choice among service records
 */
export async function lookUpEnd(end: ForwardEnd, names: Names, random: () => number): Promise<Endpoint> {
  const { host, port } = end;
  if (host.kind === "address") return { address: host.address, port };
  if (host.kind === "name") return { address: await systemAddress(host.name, names), port };
  const record = await service(host.name, host.server, names, random);
  const address = await hostAddress(record.host.replace(/\.$/, ""), host.server, names);
  return { address, port: record.port === 0 ? port : record.port };
}

/**
 * Chooses a record: among those with the lowest priority, one by weight (RFC 2782, "Usage rules"). Null: there is none, or
 * the only one says that the service is not provided.
 */
export function chooseService(records: readonly ServiceRecord[], random: () => number): ServiceRecord | null {
  const lowest = Math.min(...records.map((record) => record.priority));
  const best = records.filter(({ priority, host }) => priority === lowest && host !== "." && host !== "");
  const total = best.reduce((sum, record) => sum + record.weight, 0);
  let rest = random() * total;
  for (const record of best) {
    rest -= record.weight;
    if (rest < 0) return record;
  }
  return best[Math.floor(random() * best.length)] ?? null; // all weights are 0
}

async function service(
  name: string,
  server: Endpoint,
  names: Names,
  random: () => number,
): Promise<ServiceRecord> {
  const records = await names.servicesBy(server, name).catch(() => []);
  const record = chooseService(records, random);
  if (record !== null) return record;
  throw new LookupError(`Failed to lookup SRV ${quote(name)} on ${quote(formatEndpoint(server))}`);
}

async function hostAddress(name: string, server: Endpoint, names: Names): Promise<IpAddress> {
  const literal = IpAddress.tryParse(name);
  if (literal !== null) return unmap(literal);
  const found = await names.addressesBy(server, name).catch(() => []);
  return preferred(found) ?? await systemAddress(name, names);
}

async function systemAddress(name: string, names: Names): Promise<IpAddress> {
  try {
    return preferred(await lookUp(name, (name) => names.addresses(name)))!; // there is at least one
  } catch (error) {
    throw new LookupError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function preferred(addresses: readonly IpAddress[]): IpAddress | null {
  const plain = addresses.map(unmap);
  return plain.find(({ version }) => version === 4) ?? plain[0] ?? null;
}
