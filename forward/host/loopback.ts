/**
 * The host's network for `-host-loopback`: the gateway's addresses stand for the host's loopback. Packets of the guest
 * to them go to 127.0.0.1 or ::1, and packets from there come from them. In place of pasta, other addresses may stand
 * for the loopback or for another address of the host.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import type { StackAddresses } from "../../stack/base/link_addresses.ts";
import {
  type DatagramOptions,
  type DialOptions,
  type HostDatagram,
  type HostDatagramHandler,
  type HostDial,
  type HostDialHandler,
  HostError,
  type HostListener,
  type HostNetwork,
  type HostStream,
  type IcmpReport,
} from "./host_network.ts";
import { Prefix } from "../addresses/prefix.ts";
import type { Range } from "../policy/range.ts";

/** An address on the guest's link, such as the gateway's, and the address of the host that it stands for. */
export interface LoopbackPair {
  readonly gateway: IpAddress;
  readonly loopback: IpAddress;
}

/** The two pairs, one a version. */
export function loopbackPairs(
  { gateway4, gateway6 }: Pick<StackAddresses, "gateway4" | "gateway6">,
): readonly LoopbackPair[] {
  return [
    { gateway: gateway4, loopback: IpAddress.parse("127.0.0.1") },
    { gateway: gateway6, loopback: IpAddress.parse("::1") },
  ];
}

/** The pairs that the options ask for. */
export function pairsOf(
  { hostLoopback, addresses, manner }: {
    readonly hostLoopback: boolean;
    readonly addresses: StackAddresses;
    readonly manner: { readonly mapped?: readonly LoopbackPair[] };
  },
): readonly LoopbackPair[] {
  return manner.mapped ?? (hostLoopback ? loopbackPairs(addresses) : []);
}

/** The address of the host that an address of the guest's network stands for; any other address as it is. */
export function hostAddress(address: IpAddress, pairs: readonly LoopbackPair[]): IpAddress {
  return pairs.find(({ gateway }) => gateway.equals(address))?.loopback ?? address;
}

/** The gateway's addresses with all ports, over TCP and UDP: the policy must allow these ranges. */
export function gatewayRanges(pairs: readonly LoopbackPair[]): Range[] {
  return pairs.flatMap(({ gateway }) =>
    (["tcp", "udp"] as const).map((network) => ({
      network,
      minPort: 0,
      maxPort: 0xffff,
      prefix: Prefix.ofAddress(gateway),
    }))
  );
}

/** Translates between the gateway's addresses and the loopback's. */
export class LoopbackHost implements HostNetwork {
  constructor(private readonly host: HostNetwork, private readonly pairs: readonly LoopbackPair[]) {}

  dial(remote: Endpoint, handler: HostDialHandler, options?: DialOptions): HostDial {
    return this.host.dial(this.toHost(remote), {
      connected: (stream) => handler.connected(stream),
      failed: (error) => {
        if (error instanceof HostError) error.icmp = this.reportToGuest(error.icmp);
        handler.failed(error);
      },
    }, options);
  }

  listen(local: Endpoint, accepted: (stream: HostStream) => void): HostListener {
    return this.host.listen(local, accepted);
  }

  datagram(local: Endpoint, handler: HostDatagramHandler, options?: DatagramOptions): HostDatagram {
    const socket = this.host.datagram(local, {
      received: (bytes, length, from, asked) => handler.received(bytes, length, this.toGuest(from), asked),
      failed: (error, to, lost) => {
        if (to === null) handler.failed(error, null, lost);
        else handler.failed(error, this.toGuest(to), lost && { ...lost, icmp: this.reportToGuest(lost.icmp) });
      },
    }, options);
    return {
      get local() {
        return socket.local;
      },
      send: (bytes, offset, length, to, from) => socket.send(bytes, offset, length, this.toHost(to), from),
      setPath: (hopLimit, dontFragment) => socket.setPath(hopLimit, dontFragment),
      close: () => socket.close(),
    };
  }

  private toHost(endpoint: Endpoint): Endpoint {
    const pair = this.pairs.find(({ gateway }) => gateway.equals(endpoint.address));
    return pair === undefined ? endpoint : { address: pair.loopback, port: endpoint.port };
  }

  private reportToGuest(icmp: IcmpReport | null): IcmpReport | null {
    const pair = this.pairs.find(({ loopback }) => icmp?.from?.equals(loopback));
    return icmp === null || pair === undefined ? icmp : { ...icmp, from: pair.gateway };
  }

  private toGuest(endpoint: Endpoint): Endpoint {
    const pair = this.pairs.find(({ loopback }) => loopback.equals(endpoint.address));
    return pair === undefined ? endpoint : { address: pair.gateway, port: endpoint.port };
  }
}
