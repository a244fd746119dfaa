/**
 * Forwards over HTTP, at the paths and in the JSON of gvisor-tap-vsock (gvproxy), so that its clients can be used:
 *
 * | request | body | answer |
 * | --- | --- | --- |
 * | `POST /services/forwarder/expose` | a forward | empty; if the port of `local` was 0, the forward with its port |
 * | `POST /services/forwarder/unexpose` | a forward, `remote` is ignored | empty |
 * | `GET /services/forwarder/all` | | a list of forwards, by `local` and `protocol` |
 *
 * A forward is an object of strings:
 *
 * | field | meaning | not given |
 * | --- | --- | --- |
 * | `local` | where it listens, `HOST:PORT` | an error |
 * | `remote` | where it connects to, `HOST:PORT` | an error |
 * | `protocol` | a network of `-L`: `tcp`, `udp`, `udprpc`, `tcppp`, `udpspp` | `tcp` |
 * | `direction` | `local`: listen on the host, as `-L`; `remote`: in the guest's network, as `-R` (not in gvproxy) | `local` |
 *
 * An empty host takes the default of `-L` or `-R`, with one exception: in `local` of a local forward it is every address
 * of the host, as in gvproxy. Other fields are ignored. `unexpose` finds a forward by `direction`, `protocol` and `local`,
 * which may be written as in the request that added it, or as it is listed.
 *
 * The rules of `-only` and `-policy` are here too:
 *
 * | request | body | answer |
 * | --- | --- | --- |
 * | `GET /policy` | | an object: the `generation` of the rules, and the `rules` as texts |
 * | `POST /policy` | a policy, as in the file of `-policy` | an object: the new `generation` |
 *
 * A policy replaces all rules but those of `-only`. A fault in it is answered with 400, and the rules stay.
 *
 * | status | |
 * | --- | --- |
 * | 200 | done |
 * | 400 | the method is wrong or the body is invalid; a line of text says why |
 * | 500 | the forward can't be added, or there is none to remove; a line of text says why |
 *
 * @module
 */
import { formatEndpoint } from "../../../stack/base/address.ts";
import { HostError } from "../../host/host_network.ts";
import { LookupError } from "../../names/lookup.ts";
import type { FullHttpRequest, HttpAnswer } from "../../server/http_server.ts";
import { type DefaultAddresses, type ForwardSide, networkName, parseForwardEnds } from "../../syntax/forward_spec.ts";
import { quote } from "../../syntax/go_quote.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { failureText, written } from "../setup.ts";
import type { Forward, ForwardTable } from "../table.ts";

const PREFIX = "/services/forwarder/";
/** What an empty host of `local` stands for: see local/listen_dual_stack.ts. */
const EVERY_ADDRESS = "0.0.0.0";
const SIDES: readonly ForwardSide[] = ["local", "remote"];

/** A forward as the API writes it. */
interface ForwardObject {
  readonly local: string;
  readonly remote: string;
  readonly protocol: string;
  readonly direction: ForwardSide;
}

/** The rules, as the API shows and replaces them. */
export interface ApiPolicy {
  readonly shown: { readonly generation: number; readonly rules: readonly string[] };
  /** Replaces the rules, and returns the new generation. Rejects if the policy has a fault. `path`: its name in the fault. */
  replace(path: string, text: string): Promise<number>;
}

const POLICY_PATH = "/policy";

/** Answers the API's requests about a table of forwards, and about rules. */
export class HttpApi {
  /** `local` as the request had it, for each forward that was added here on a port of its own choice. */
  private readonly asked = new WeakMap<Forward, string>();

  /** @param own the addresses that are the defaults of a forward */
  constructor(
    private readonly table: Pick<ForwardTable, "add" | "remove" | "list">,
    private readonly own: DefaultAddresses,
    private readonly policy: ApiPolicy | null = null,
  ) {}

  /** Answers a request. */
  async answer({ method, path, body }: FullHttpRequest): Promise<HttpAnswer> {
    if (path === POLICY_PATH) return await this.answerPolicy(method === "POST" ? body : null);
    const command = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : "";
    if (!["all", "expose", "unexpose"].includes(command)) return text(404, "not found");
    if (command === "all") return method === "POST" ? text(400, "get only") : json(this.all());
    if (method !== "POST") return text(400, "post only");
    try {
      const wanted = parseForwardObject(body);
      return command === "expose" ? await this.expose(wanted) : this.unexpose(wanted);
    } catch (error) {
      if (error instanceof InvalidValue) return text(400, error.message);
      throw error;
    }
  }

  private async answerPolicy(wanted: string | null): Promise<HttpAnswer> {
    const { policy } = this;
    if (policy === null) return text(404, "there are no rules: start with -only or -policy");
    if (wanted === null) return json(policy.shown);
    try {
      return json({ generation: await policy.replace("policy", wanted) });
    } catch (error) {
      return text(400, error instanceof Error ? error.message : String(error));
    }
  }

  private all(): ForwardObject[] {
    const list = this.table.list().map((forward) => this.objectOf(forward));
    return list.sort((a, b) => compare(a.local, b.local) || compare(a.protocol, b.protocol));
  }

  private async expose({ local, remote, protocol, direction }: ForwardObject): Promise<HttpAnswer> {
    for (const [name, end] of Object.entries({ local, remote })) {
      if (end === "") throw new InvalidValue(`${name} is missing`);
    }
    const bind = direction === "local" && local.startsWith(":") ? EVERY_ADDRESS + local : local;
    const spec = parseForwardEnds(protocol, bind, remote, direction, this.own);
    let forward: Forward;
    try {
      forward = await this.table.add(direction, spec);
    } catch (error) {
      if (!(error instanceof HostError) && !(error instanceof LookupError)) throw error;
      return text(500, `${protocol}://${local}: ${failureText(error, spec.bind.port)}`);
    }
    if (spec.bind.port === 0) return json(this.objectOf(forward));
    this.asked.set(forward, local);
    return text(200, "");
  }

  private unexpose({ local, protocol, direction }: ForwardObject): HttpAnswer {
    const found = this.table.list().find((forward) =>
      forward.side === direction && networkName(forward.spec) === protocol &&
      [this.asked.get(forward), written(forward.spec.bind), formatEndpoint(forward.bound)].includes(local)
    );
    if (found === undefined) return text(500, "proxy not found");
    this.table.remove(found.id);
    return text(200, "");
  }

  private objectOf(forward: Forward): ForwardObject {
    const { side, spec, bound, target } = forward;
    return {
      local: this.asked.get(forward) ?? formatEndpoint(bound),
      remote: String(target),
      protocol: networkName(spec),
      direction: side,
    };
  }
}

/** Throws an {@linkcode InvalidValue}. */
function parseForwardObject(body: string): ForwardObject {
  let fields: unknown;
  try {
    fields = JSON.parse(body);
  } catch {
    throw new InvalidValue("the body is no JSON");
  }
  if (typeof fields !== "object" || fields === null) throw new InvalidValue("the body is no JSON object");
  const field = (name: keyof ForwardObject): string => {
    const value: unknown = Reflect.get(fields, name) ?? "";
    if (typeof value !== "string") throw new InvalidValue(`${name} must be a string`);
    return value;
  };
  const asked = field("direction") || "local";
  const direction = SIDES.find((side) => side === asked);
  if (direction === undefined) throw new InvalidValue(`unknown direction ${quote(asked)}: must be local or remote`);
  return { local: field("local"), remote: field("remote"), protocol: field("protocol") || "tcp", direction };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function text(status: HttpAnswer["status"], line: string): HttpAnswer {
  return { status, type: "text/plain", body: line === "" ? "" : `${line}\n` };
}

function json(value: unknown): HttpAnswer {
  return { status: 200, type: "application/json", body: `${JSON.stringify(value)}\n` };
}
