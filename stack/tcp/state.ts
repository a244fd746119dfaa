/**
 * The states of a connection (RFC 9293, section 3.3.2).
 *
 * The handshake has states of its own. Afterwards the state is not stored, but follows from four facts:
 *
 *     FIN received   FIN sent   it is acknowledged   state
 *     no             no                              ESTABLISHED
 *     no             yes        no                   FIN-WAIT-1
 *     no             yes        yes                  FIN-WAIT-2
 *     yes            no                              CLOSE-WAIT
 *     yes            yes        no                   CLOSING if ours was sent first, otherwise LAST-ACK
 *     yes            yes        yes                  TIME-WAIT if ours was sent first, otherwise CLOSED
 *
 * @module
 */

/** The states of RFC 9293. LISTEN is a state of the whole layer. */
export type TcpState =
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT"
  | "CLOSED";

/** The facts that the state follows from after the handshake. */
export interface EndFacts {
  readonly finReceived: boolean;
  readonly finSent: boolean;
  readonly finAcknowledged: boolean;
  /** Whether our FIN was sent before the peer's arrived. */
  readonly closedFirst: boolean;
}

/** The state of a connection after the handshake. */
export function stateOf({ finReceived, finSent, finAcknowledged, closedFirst }: EndFacts): TcpState {
  if (!finSent) return finReceived ? "CLOSE-WAIT" : "ESTABLISHED";
  if (!finReceived) return finAcknowledged ? "FIN-WAIT-2" : "FIN-WAIT-1";
  if (finAcknowledged) return closedFirst ? "TIME-WAIT" : "CLOSED";
  return closedFirst ? "CLOSING" : "LAST-ACK";
}
