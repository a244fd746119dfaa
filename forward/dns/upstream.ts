/**
 * The way to the host's name servers: over the network that the guest asked over, and from the host's own loopback to a
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
  /** The way to servers that are not on the host's loopback. */
  readonly host: HostNetwork;
  /** The way to those that are: they take questions only from there. */
  readonly loopback: HostNetwork;
  readonly allocate: Allocate;
  /** A random unsigned 32-bit number that nobody can guess. */
  readonly random: () => number;
}

/** Asks the host's name servers. */
export class Upstream {
  constructor(private readonly options: UpstreamOptions) {}

  /** Asks one server one question. Throws a HostError if it can't. */
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
