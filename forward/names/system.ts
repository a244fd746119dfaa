/**
 * Resolves names through the runtime: by the system's resolver, or by a name server with Deno's own client.
 *
 * By default, that client repeats a question to a silent server after 5 seconds and gives up after 15. Here a connection
 * waits for the answer, and the server is usually near, such as a local Consul. So questions are repeated sooner, and
 * given up much sooner.
 *
 * The system's resolver holds a thread while it waits, even for an abandoned lookup. The runtime has few threads, and the
 * program needs one of them itself.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import { MAX_LOOKUPS } from "../limits/limits.ts";
import { NAME_SERVER_PATIENCE_MS, RESOLVER_PATIENCE_MS } from "../limits/timeouts.ts";
import { resolveOnHost, type Resolver } from "../syntax/resolver.ts";
import type { Names, ServiceRecord } from "./names.ts";

/** A resolver that asks the system, and name servers through the runtime. */
export class SystemNames implements Names {
  private underWay = 0;

  /** `resolve`: the system's resolver. */
  constructor(private readonly resolve: Resolver = resolveOnHost) {}

  addresses(name: string): Promise<readonly IpAddress[]> {
    if (this.underWay >= MAX_LOOKUPS) return Promise.reject(new Error("too many names are being looked up"));
    this.underWay++;
    const answer = this.resolve(name).finally(() => this.underWay--);
    return within(RESOLVER_PATIENCE_MS, answer);
  }

  /** Asks only once: the server has just answered another question, and if it does not answer this one, others may. */
  async addressesBy(server: Endpoint, name: string): Promise<readonly IpAddress[]> {
    const records = async (type: "A" | "AAAA") => {
      const ask = (options: Deno.ResolveDnsOptions) => Deno.resolveDns(name, type, options);
      const found = await patiently(ask, server, NAME_SERVER_PATIENCE_MS.slice(0, 1)).catch(() => []);
      return found.map(IpAddress.parse);
    };
    return (await Promise.all([records("A"), records("AAAA")])).flat();
  }

  async servicesBy(server: Endpoint, name: string): Promise<readonly ServiceRecord[]> {
    const found = await patiently((options) => Deno.resolveDns(name, "SRV", options), server);
    return found.map(({ priority, weight, target, port }) => ({ priority, weight, host: target, port }));
  }
}

/** Asks once for each entry of `patiences`, the time in ms that this question may take. */
async function patiently<T>(
  ask: (options: Deno.ResolveDnsOptions) => Promise<T>,
  server: Endpoint,
  patiences: readonly number[] = NAME_SERVER_PATIENCE_MS,
): Promise<T> {
  const nameServer = { ipAddr: server.address.toString(), port: server.port };
  for (const patience of patiences) {
    const signal = AbortSignal.timeout(patience);
    try {
      return await ask({ nameServer, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  throw new Error("no answer in time");
}

/**
 * Rejects after that many ms. The operation goes on, and its result is ignored. (`deadline` of @std/async does the same,
 * but loading it takes 10 ms of every start.)
 */
async function within<T>(patience: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer in time")), patience);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
