/**
 * Asking one name server one question.
 *
 * @module
 */
import type { HostError } from "../host/port.ts";

/** What an {@linkcode Exchange} tells. Never called from within one of its methods, and not after its end. */
export interface ExchangeHandler {
  /** The server's answer, with the number of the question as the client gave it. */
  answered(answer: Uint8Array): void;
  /** The server can't be asked. */
  failed(error: HostError): void;
}

/** A question on its way. */
export interface Exchange {
  /** Asks again what may have been lost. */
  repeat(): void;
  /** Ends it. */
  close(): void;
}
