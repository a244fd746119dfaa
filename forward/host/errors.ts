/**
 * Sorts the system's errors into the few categories that a guest can be told. Deno has a class for only some of them
 * (EHOSTUNREACH and EMFILE come as plain `Error`, EINVAL as `TypeError`), but each has the name of its errno in `code`, so
 * that decides.
 *
 * @module
 */
import { HostError, type HostFailure } from "./host_network.ts";

const FAILURES: Readonly<Record<string, HostFailure>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ENOTCONN: "reset",
  ENETUNREACH: "network-unreachable",
  ENETDOWN: "network-unreachable",
  EINVAL: "network-unreachable", // the answer of a `blackhole` route (fib_props in net/ipv4/fib_semantics.c)
  EHOSTUNREACH: "host-unreachable",
  EHOSTDOWN: "host-unreachable",
  ETIMEDOUT: "timeout",
  EACCES: "prohibited", // a `prohibit` route, or a broadcast address
  EPERM: "prohibited", // the host's packet filter
  EMFILE: "resources",
  ENFILE: "resources",
  ENOMEM: "resources",
  ENOBUFS: "resources",
  EADDRNOTAVAIL: "resources", // no free local port towards that destination
};

/**
 * Turns any thrown value into a {@linkcode HostError}.
 *
 * @param what the operation and its object, for a person: `connect to 192.0.2.1:80`
 */
export function hostError(thrown: unknown, what: string): HostError {
  if (thrown instanceof HostError) return thrown;
  return new HostError(hostFailure(thrown), `${what}: ${systemText(thrown)}`, { cause: thrown });
}

/** The category of any thrown value. */
export function hostFailure(thrown: unknown): HostFailure {
  if (!(thrown instanceof Error)) return "other";
  if (thrown.name === "AbortError" || thrown.name === "Interrupted") return "aborted";
  const code = "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? FAILURES[code] ?? "other" : "other";
}

/** The reason alone, in the system's words, for a line that already says what was tried. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof HostError && error.cause !== undefined ? systemText(error.cause) : error.message;
}

/** The system's text as the C library and Go write it within a sentence: `connection refused`. */
function systemText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const text = thrown.message.replace(/ \(os error \d+\)$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
