/**
 * The guest's pings. Each echo request goes to its destination, if the policy allows it. The guest gets the answer: the
 * reply with its payload and hop limit, or the ICMP error with its source.
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
import type { IcmpReport } from "../host/host_network.ts";
import { speakerFor } from "../host/unreachable.ts";
import type { PolicyRule } from "../policy/policy.ts";
import { addressReason, type AddressVerdict, type DecisionObserver } from "../report/decisions.ts";
import { SWEEP_MS } from "../limits/timeouts.ts";
import { endpointKey, type Key } from "../udp/keys.ts";

/** Decides whether the guest may ping an address. */
export interface PingPolicy {
  decide(network: "icmp", address: IpAddress, port: 0): AddressVerdict;
}

/** A request that waits for an answer. */
export interface PingToken {
  /** The destination, and the guest's address that it came from. */
  readonly destination: IpAddress;
  readonly guest: IpAddress;
  /** The beginning of its IP packet, and the offset of the ICMP header in it. */
  readonly packet: Uint8Array;
  readonly icmp: number;
}

/** Takes the answers from the host's side. Never called from within another call. */
export interface PingHandler {
  /** The reply: its payload is `bytes[offset .. offset + length)`, valid until the call returns. */
  reply(token: PingToken, bytes: Uint8Array, offset: number, length: number, hopLimit: number): void;
  /**
   * An ICMP error. If the host itself could not send the request, it has no sender.
   *
   * @param mtu if the request was too large, the largest IP packet that passes, in bytes; otherwise, or if unknown, 0
   */
  failed(token: PingToken, icmp: IcmpReport, mtu: number): void;
}

/** Sends echo requests of the host. */
export interface PingSender {
  /** Requests that wait for an answer. */
  readonly waitingUsage: Usage;
  /** Identifiers in use. */
  readonly flowsUsage: Usage;
  /** Sends a request with the payload `bytes[offset .. offset + length)`; `key` stands for the guest's identifier. */
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

/** The options of {@linkcode Pings}. */
export interface PingsOptions {
  readonly policy: PingPolicy;
  readonly scheduler: Scheduler;
  readonly sender: (handler: PingHandler) => PingSender;
  /** The guest's side. */
  readonly echo: Pick<EchoResponder, "reply">;
  readonly icmp: Pick<IcmpOutput, "relay" | "unreachable" | "timeExceeded">;
  /** Records each refusal. */
  readonly decisions?: DecisionObserver | undefined;
}

/**
 * Bytes of a request that are kept for the quotation in an error: the headers of IPv6 and ICMP, and the data by which
 * programs recognise their own requests.
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

  /** The numbers of requests that wait for an answer, and of those that were evicted. */
  get usage(): Usage {
    return this.sender.waitingUsage;
  }

  /** The numbers of identifiers in use, and of those that were evicted. */
  get identifiersUsage(): Usage {
    return this.sender.flowsUsage;
  }

  private reportRefusal(guest: IpAddress, to: IpAddress, rule: PolicyRule | undefined): void {
    const { decisions } = this.options;
    if (decisions === undefined) return;
    const ends = { guest: { address: guest, port: 0 }, to: { address: to, port: 0 } };
    decisions.refusedFlow({ network: "icmp", ...ends, name: null, reason: addressReason(rule) });
  }

  /** Takes a guest's echo request. Called by the stack. */
  request(packet: Packet): void {
    const { policy, icmp } = this.options;
    const { bytes, version, header, source, payload, end } = packet;
    const destination = IpAddress.at(bytes, packet.destination, version);
    const { allowed, rule } = policy.decide("icmp", destination, 0);
    if (!allowed) {
      this.reportRefusal(IpAddress.at(bytes, source, version), destination, rule);
      return icmp.unreachable("prohibited", bytes, header, end);
    }
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

  failed({ guest, packet }: PingToken, { type, code, from }: IcmpReport, mtu: number): void {
    this.options.icmp.relay(type, code, speakerFor(from, guest), packet, 0, packet.length, mtu);
  }

  /** Forgets all requests. */
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
