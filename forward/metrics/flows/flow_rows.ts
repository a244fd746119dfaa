/**
 * The open flows as rows for `/flows`: the ends from the meters, and for TCP the state and the bytes from the stack.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import type { Connection } from "../../../stack/tcp/connection.ts";
import type { FlowMeter, OpenFlow } from "./flow_meter.ts";

/** One flow. The names are those of the JSON. */
export interface FlowRow {
  readonly kind: string;
  readonly network: string;
  readonly guest: string;
  /** The destination that the side that asked wanted (of an association: the first). */
  readonly destination: string;
  /** The name that a flow was opened by, and the rule that allows it; null: by address. */
  readonly name: string | null;
  readonly rule: string | null;
  /** This program's end on the host's network, and its peer there. */
  readonly host: string;
  readonly host_peer: string;
  /** The state of the connection with the guest, as RFC 9293 names it; of an association: `open`. */
  readonly state: string;
  /** Bytes of payload; null: not counted. */
  readonly bytes_from_guest: number | null;
  readonly bytes_to_guest: number | null;
  readonly age_seconds: number;
  /** Bytes of payload in this program's buffers. */
  readonly buffered_bytes: number;
}

/** Finds the connection with these ends. */
export type ConnectionFinder = (guest: Endpoint, local: Endpoint) => Connection | null;

/** Makes the row of a meter's flow. @param now the time in ms, by the meter's clock */
export function flowRow(meter: FlowMeter, flow: OpenFlow, find: ConnectionFinder, now: number): FlowRow {
  const { kind, network } = meter;
  const { guest, guestPeer, host, hostPeer, openedAt, named } = flow;
  return {
    kind,
    network,
    guest: formatEndpoint(guest),
    destination: formatEndpoint(kind === "local-fwd" ? guest : guestPeer),
    name: named?.name ?? null,
    rule: named?.rule ?? null,
    host: formatEndpoint(host),
    host_peer: formatEndpoint(hostPeer),
    ...(network === "tcp" ? tcpFigures(find(guest, guestPeer)) : udpFigures(kind === "local-fwd", flow)),
    age_seconds: Math.round(now - openedAt) / 1000,
  };
}

type Figures = Pick<FlowRow, "state" | "bytes_from_guest" | "bytes_to_guest" | "buffered_bytes">;

/** Null: the guest's connection is closed, but the host has not taken everything yet. */
function tcpFigures(connection: Connection | null): Figures {
  if (connection === null) return { state: "CLOSED", bytes_from_guest: null, bytes_to_guest: null, buffered_bytes: 0 };
  const { state, bytesReceived, bytesAcknowledged, receiver, sender } = connection;
  return {
    state,
    bytes_from_guest: bytesReceived,
    bytes_to_guest: bytesAcknowledged,
    buffered_bytes: receiver.buffer.queued + receiver.buffer.outOfOrderBytes + sender.buffer.length,
  };
}

function udpFigures(hostAsked: boolean, { traffic }: OpenFlow): Figures {
  const sent = traffic?.sentBytes ?? null, answered = traffic?.answeredBytes ?? null;
  return {
    state: "open",
    bytes_from_guest: hostAsked ? answered : sent,
    bytes_to_guest: hostAsked ? sent : answered,
    buffered_bytes: 0,
  };
}
