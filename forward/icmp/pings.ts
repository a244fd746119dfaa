/**
 * The guest's pings: each echo request goes to its destination, if the policy allows that, and the guest gets what comes
 * back: the reply with its payload and hop limit, or the ICMP error with its source.
 *
 *     request → policy → host ─┬─ reply → guest
 *                              └─ error → guest, quoting its request
 *
 * | event | action |
 * | --- | --- |
 * | the policy says no | ICMP administratively prohibited |
 * | the request's hop limit ends here | ICMP time exceeded |
 * | no answer | none: the guest's program gives up by itself |
 *
 * The host's side limits how many requests wait, and for how long.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import type { EchoResponder } from "../../stack/icmp/echo.ts";
import type { IcmpOutput } from "../../stack/icmp/output.ts";
import type { Packet } from "../../stack/base/packet.ts";
import type { Usage } from "../../stack/base/usage.ts";
import { get16 } from "../../stack/base/bytes.ts";
import { ICMP_HEADER } from "../../stack/wire/icmp.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { SWEEP_MS } from "../limits/timeouts.ts";
import { endpointKey, type Key } from "../udp/keys.ts";

/** Says whether the guest may ping an address. */
export interface PingPolicy {
  decide(network: "icmp", address: IpAddress, port: 0): { readonly allowed: boolean };
}

/** A request that waits for its answer. */
export interface PingToken {
  /** The destination, and the guest's address that it came from. */
  readonly destination: IpAddress;
  readonly guest: IpAddress;
  /** The beginning of its IP packet, and where in that the ICMP header is. */
  readonly packet: Uint8Array;
  readonly icmp: number;
}

/** What the host's side reports; never from within a call. */
export interface PingHandler {
  /** The reply: its payload is `bytes[offset .. offset + length)`, valid until the call returns. */
  reply(token: PingToken, bytes: Uint8Array, offset: number, length: number, hopLimit: number): void;
  /**
   * An ICMP error, whose type and code are those of the destination's version.
   *
   * @param from the sender of the error; null: the host itself can't send there
   */
  failed(token: PingToken, type: number, code: number, from: IpAddress | null): void;
}

/** Sends echo requests of the host. */
export interface PingSender {
  /** Requests that wait for an answer. */
  readonly waitingUsage: Usage;
  /** Identifiers in use. */
  readonly flowsUsage: Usage;
  /** Sends a request with the payload `bytes[offset .. offset + length)`; `key`: which of the guest's identifiers. */
  send(
    destination: IpAddress,
    key: Key,
    sequence: number,
    hopLimit: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    token: PingToken,
  ): void;
  /** Forgets requests that have waited, and identifiers that were not used, for too long. */
  sweep(): void;
  close(): void;
}

/** What {@linkcode Pings} is made of. */
export interface PingsOptions {
  readonly policy: PingPolicy;
  readonly scheduler: Scheduler;
  readonly sender: (handler: PingHandler) => PingSender;
  /** The guest's side. */
  readonly echo: Pick<EchoResponder, "reply">;
  readonly icmp: Pick<IcmpOutput, "relay" | "unreachable" | "timeExceeded">;
}

/**
 * How much of a request is kept for the quotation in an error: IPv6's header, ICMP's, and what programs put behind it to
 * know their own again.
 */
const QUOTATION = 128;

/** Fields of the ICMP header (RFC 792, RFC 4443). */
const IDENTIFIER = 4, SEQUENCE = 6;

/** All pings of the guest that the host sends. */
export class Pings implements PingHandler {
  private readonly sender: PingSender;
  private sweeping = false;

  constructor(private readonly options: PingsOptions) {
    this.sender = options.sender(this);
  }

  /** How many requests wait for an answer, and how many made room. */
  get usage(): Usage {
    return this.sender.waitingUsage;
  }

  /** How many identifiers are in use, and how many made room. */
  get identifiersUsage(): Usage {
    return this.sender.flowsUsage;
  }

  /** Takes a guest's echo request. Called by the stack. */
  request(packet: Packet): void {
    const { policy, icmp } = this.options;
    const { bytes, version, header, source, payload, end } = packet;
    const destination = IpAddress.at(bytes, packet.destination, version);
    if (!policy.decide("icmp", destination, 0).allowed) return icmp.unreachable("prohibited", bytes, header, end);
    if (packet.hopLimit <= 1) return icmp.timeExceeded(bytes, header, end);
    const token = {
      destination,
      guest: IpAddress.at(bytes, source, version),
      packet: bytes.slice(header, Math.min(end, header + QUOTATION)),
      icmp: payload - header,
    };
    if (token.icmp + ICMP_HEADER > token.packet.length) return; // too many extension headers precede it
    const key = endpointKey(bytes, source, version, get16(bytes, payload + IDENTIFIER));
    const data = payload + ICMP_HEADER;
    const sequence = get16(bytes, payload + SEQUENCE);
    this.sender.send(destination, key, sequence, packet.hopLimit - 1, bytes, data, end - data, token);
    this.sweepLater();
  }

  reply(token: PingToken, bytes: Uint8Array, offset: number, length: number, hopLimit: number): void {
    const { destination, guest, packet, icmp } = token;
    this.options.echo.reply(destination, guest, packet, icmp, bytes, offset, length, hopLimit);
  }

  failed({ packet }: PingToken, type: number, code: number, from: IpAddress | null): void {
    this.options.icmp.relay(type, code, from, packet, 0, packet.length);
  }

  /** Forgets all. */
  close(): void {
    this.sender.close();
  }

  private sweepLater(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    this.options.scheduler.after(SWEEP_MS, this.sweep);
  }

  private readonly sweep = (): void => {
    this.sweeping = false;
    this.sender.sweep();
    if (this.sender.flowsUsage.current > 0) this.sweepLater();
  };
}
