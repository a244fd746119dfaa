/**
 * One question to one of the host's name servers.
 *
 * @module
 */
import type { HostError } from "../host/host_network.ts";

/** The outcome of an {@linkcode Exchange}. Never called from within one of its methods, and not after its end. */
export interface ExchangeHandler {
  /** The server's answer, with the ID of the client's question. */
  answered(answer: Uint8Array): void;
  /** The server can't be asked. */
  failed(error: HostError): void;
}

/** A question under way. */
export interface Exchange {
  /** Sends the question again, in case it was lost. */
  repeat(): void;
  /** Ends the exchange. */
  close(): void;
}
