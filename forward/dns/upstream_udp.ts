/**
 * One question to one of the host's name servers over UDP.
 *
 * Answers are hard to forge (RFC 5452, section 9): each exchange has a socket of its own, with a port that the kernel
 * chooses at random, and an ID of its own. It accepts only an answer that comes from the server's address and port and
 * repeats the question.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import { WILDCARDS } from "../addresses/wildcards.ts";
import type { HostDatagram, HostDatagramHandler, HostError, HostNetwork } from "../host/host_network.ts";
import type { Exchange, ExchangeHandler } from "./upstream_exchange.ts";
import { DNS_PORT, isAnswerTo, messageId, type Question, withId } from "./message.ts";
import type { NameServer } from "./host_resolv_conf.ts";

/** One question to one server over UDP. */
export class UdpExchange implements Exchange, HostDatagramHandler {
  private readonly socket: HostDatagram;
  private readonly server: Endpoint;
  private readonly message: Uint8Array;
  private readonly id: number;

  /**
   * Sends the question. Throws a HostError.
   *
   * @param random an unpredictable unsigned 32-bit number
   */
  constructor(
    host: HostNetwork,
    { address, zone }: NameServer,
    private readonly question: Question,
    random: number,
    private readonly handler: ExchangeHandler,
  ) {
    this.id = random & 0xffff;
    this.message = withId(question.bytes, this.id);
    this.server = { address, port: DNS_PORT };
    const local = { address: WILDCARDS[address.version], port: 0 };
    this.socket = host.datagram(local, this, zone === null ? {} : { zone });
    this.repeat();
  }

  repeat(): void {
    this.socket.send(this.message, 0, this.message.length, this.server);
  }

  close(): void {
    this.socket.close();
  }

  received(bytes: Uint8Array, length: number, from: Endpoint): void {
    const { server, question } = this;
    if (from.port !== server.port || !from.address.equals(server.address)) return;
    if (!isAnswerTo(question, this.id, bytes, length)) return;
    this.handler.answered(withId(bytes.subarray(0, length), messageId(question.bytes)));
  }

  failed(error: HostError, to: Endpoint | null): void {
    if (to === null || to.address.equals(this.server.address)) this.handler.failed(error);
  }
}
