/**
 * Sends questions to the host's name servers: over the network that the guest used, and from the host's loopback to a
 * server that listens there.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import type { Allocate } from "../../stack/base/device.ts";
import type { HostNetwork } from "../host/host_network.ts";
import type { NameServer } from "./host_resolv_conf.ts";
import type { Question } from "./message.ts";
import type { DnsNetwork } from "./servers.ts";
import type { Exchange, ExchangeHandler } from "./upstream_exchange.ts";
import { TcpExchange } from "./upstream_tcp.ts";
import { UdpExchange } from "./upstream_udp.ts";

/** The options of an {@linkcode Upstream}. */
export interface UpstreamOptions {
  /** The host's network, for servers that are not on its loopback. */
  readonly host: HostNetwork;
  /** The host's network with its loopback, for servers there: they accept questions only from the loopback. */
  readonly loopback: HostNetwork;
  readonly allocate: Allocate;
  /** Returns an unpredictable unsigned 32-bit number. */
  readonly random: () => number;
}

/** Asks the host's name servers. */
export class Upstream {
  constructor(private readonly options: UpstreamOptions) {}

  /** Sends one question to one server. Throws a HostError. */
  ask(network: DnsNetwork, server: NameServer, question: Question, handler: ExchangeHandler): Exchange {
    const { host, loopback, allocate, random } = this.options;
    const way = isLoopback(server.address) ? loopback : host;
    return network === "udp"
      ? new UdpExchange(way, server, question, random(), handler)
      : new TcpExchange(way, server, question, random(), allocate, handler);
  }
}

const LOOPBACK6 = IpAddress.parse("::1");

function isLoopback({ version, bytes }: IpAddress): boolean {
  return version === 4 ? bytes[0] === 127 : LOOPBACK6.isAt(bytes, 0);
}
