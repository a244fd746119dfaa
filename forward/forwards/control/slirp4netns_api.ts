/**
 * Forwards in the JSON of slirp4netns' API socket (slirp4netns(1), "API SOCKET"): one object for a request, one for its
 * answer.
 *
 * | `execute` | `arguments` | answer |
 * | --- | --- | --- |
 * | `add_hostfwd` | `proto`, `host_addr`, `host_port`, `guest_addr`, `guest_port` | `{"return":{"id":1}}` |
 * | `list_hostfwd` | | `{"return":{"entries":[...]},"entries":[...]}` |
 * | `remove_hostfwd` | `id` | `{"return":{}}` |
 * | anything else | | `{"error":{"desc":"bad request: ..."}}` |
 *
 * slirp4netns answers a list without `return`, but its manual shows one with it, so the answer has both forms.
 *
 * This API also accepts what slirp4netns refuses: IPv6 addresses at either end, and the protocols `tcp4`, `tcp6`, `udp4`
 * and `udp6`, whose `host_addr` must have that version; their default is the wildcard of that version. A wildcard covers
 * its own IP version only, so `0.0.0.0` and `::` can both be added on one port, as container engines do. A port is an
 * integer from 1 to 65535.
 *
 * @module
 */
import { IpAddress } from "../../../stack/base/address.ts";
import type { StackAddresses } from "../../../stack/link/addresses.ts";
import { unmap } from "../../addresses/mapped.ts";
import { WILDCARDS } from "../../addresses/wildcards.ts";
import { HostError } from "../../host/host_network.ts";
import { formatHost, type ForwardEnd, type ForwardSpec } from "../../syntax/forward_spec.ts";
import type { Forward, ForwardTable } from "../table.ts";

/** The protocols of requests. */
const PROTOCOLS: Readonly<Record<string, Pick<ForwardSpec, "network"> & { readonly version?: 4 | 6 }>> = {
  tcp: { network: "tcp" },
  tcp4: { network: "tcp", version: 4 },
  tcp6: { network: "tcp", version: 6 },
  udp: { network: "udp" },
  udp4: { network: "udp", version: 4 },
  udp6: { network: "udp", version: 6 },
};

/** A request failed. The message is that of slirp4netns, without its "bad request: ". */
class BadRequest extends Error {
  override name = "BadRequest";
}

/** Answers the API's requests about a table of forwards. */
export class Slirp4netnsApi {
  /** @param own the guest's address that an empty `guest_addr` stands for */
  constructor(
    private readonly table: Pick<ForwardTable, "add" | "remove" | "list">,
    private readonly own: Pick<StackAddresses, "guest4">,
  ) {}

  /** Answers a request, with compact JSON without a newline. */
  async answer(request: string): Promise<string> {
    try {
      return JSON.stringify(await this.execute(request));
    } catch (error) {
      if (error instanceof BadRequest) return badRequest(error.message);
      throw error;
    }
  }

  private async execute(text: string): Promise<unknown> {
    const request = parse(text);
    const command = request.execute;
    if (typeof command !== "string") throw new BadRequest("no execute found");
    const given = isObject(request.arguments) ? request.arguments : {};
    switch (command) {
      case "add_hostfwd":
        return { return: { id: await this.add(given) } };
      case "list_hostfwd": {
        const entries = this.forwards().map(entryOf);
        return { return: { entries }, entries };
      }
      case "remove_hostfwd":
        this.remove(given.id);
        return { return: {} };
      default:
        throw new BadRequest("unknown execute");
    }
  }

  private async add(given: Fields): Promise<number> {
    const wrong = (what: string) => new BadRequest(`add_hostfwd: ${what}`);
    const proto = given.proto;
    if (typeof proto !== "string" || !Object.hasOwn(PROTOCOLS, proto)) throw wrong("bad arguments.proto");
    const { network, version } = PROTOCOLS[proto]!;
    const hostAddress = addressIn(given.host_addr, WILDCARDS[version ?? 4]);
    if (hostAddress === null || (version !== undefined && hostAddress.version !== version)) {
      throw wrong("bad arguments.host_addr");
    }
    if (!isPort(given.host_port)) throw wrong("bad arguments.host_port");
    const guestAddress = addressIn(given.guest_addr, this.own.guest4);
    if (guestAddress === null) throw wrong("bad arguments.guest_addr");
    if (!isPort(given.guest_port)) throw wrong("bad arguments.guest_port");
    const spec: ForwardSpec = {
      ...{ network, oneAnswer: false, proxyProtocol: false, oneVersion: true },
      bind: end(hostAddress, given.host_port),
      target: end(guestAddress, given.guest_port),
    };
    try {
      return (await this.table.add("local", spec)).id;
    } catch (error) {
      if (error instanceof HostError) throw wrong("slirp_add_hostfwd failed");
      throw error;
    }
  }

  private remove(id: unknown): void {
    const wrong = (what: string) => new BadRequest(`remove_hostfwd: ${what}`);
    if (typeof id !== "number" || !Number.isInteger(id) || id < 1) throw wrong("bad arguments.id");
    const known = this.forwards().some((forward) => forward.id === id);
    if (!known || !this.table.remove(id)) throw wrong("slirp_remove_hostfwd failed");
  }

  private forwards(): Forward[] {
    return this.table.list().filter(({ side }) => side === "local");
  }
}

/** The answer to a request of too many bytes. */
export const TOO_LARGE: string = badRequest("too large message");

function badRequest(reason: string): string {
  return JSON.stringify({ error: { desc: `bad request: ${reason}` } });
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string): Fields {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    throw new BadRequest("cannot parse JSON");
  }
  if (!isObject(request)) throw new BadRequest("json_object() failed");
  return request;
}

/** Returns the default if the value is missing, empty or not a string; null if it is not an address. */
function addressIn(value: unknown, byDefault: IpAddress): IpAddress | null {
  if (typeof value !== "string" || value === "") return byDefault;
  const address = IpAddress.tryParse(value);
  return address === null ? null : unmap(address);
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 0xffff;
}

function end(address: IpAddress, port: number): ForwardEnd {
  return { host: { kind: "address", address }, port };
}

/** An entry of the list. */
function entryOf({ id, spec, bound }: Forward) {
  const { network, bind, target } = spec;
  return {
    id,
    proto: network,
    host_addr: formatHost(bind.host),
    host_port: bound.port,
    guest_addr: formatHost(target.host),
    guest_port: target.port,
  };
}
