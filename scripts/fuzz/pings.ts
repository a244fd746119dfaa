/**
 * The host's ping sockets, as `-icmp auto` uses them: requests that fail at once, are answered, refused or lost, and
 * answers to no request. Checks how it is used, as host.ts does.
 *
 * @module
 */
import type { EchoPort, EchoReceiver, OpenEcho } from "../../ffi/ping/echo_socket.ts";
import { EACCES, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENOBUFS } from "../../ffi/libc/errors.ts";
import { sockaddrOf } from "../../ffi/libc/sockaddr.ts";
import type { IcmpReport } from "../../forward/host/host_network.ts";
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";
import type { Random } from "./frames.ts";

/** The most requests of a socket that may still be answered; older ones are lost. */
const KEPT = 16;

const STRANGERS = { 4: IpAddress.parse("203.0.113.200"), 6: IpAddress.parse("2001:db8::200") };

/** Checks the calls of a case to the ping sockets, and makes its random choices. */
export interface PingWatch {
  readonly random: Random;
  /** Called with each destination; reports the forbidden ones. */
  pings(destination: IpAddress): void;
  /** Reports a violation. */
  report(what: string): void;
}

interface Request {
  readonly destination: IpAddress;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

class FuzzEcho implements EchoPort {
  readonly kind = "ping";
  readonly mtu = 1400;
  private readonly asked: Request[] = [];
  private closed = false;

  constructor(
    private readonly host: FuzzPings,
    readonly version: IpVersion,
    readonly identifier: number,
    private readonly receiver: EchoReceiver,
  ) {}

  send(
    destination: IpAddress,
    identifier: number,
    sequence: number,
    hopLimit: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    const { random, pings, report } = this.host.watch;
    if (this.closed) report("a ping on a closed socket");
    if (destination.version !== this.version || identifier !== this.identifier) report("a ping on another's socket");
    if (!(hopLimit >= 1 && hopLimit <= 255)) report(`a ping with the hop limit ${hopLimit}`);
    if (offset < 0 || length < 0 || offset + length > bytes.length) report("a ping from beyond its memory");
    pings(destination);
    if (random.below(16) === 0) return random.of([ENETUNREACH, EHOSTUNREACH, EACCES, EMSGSIZE, ENOBUFS]);
    this.asked.push({ destination, sequence, payload: bytes.slice(offset, offset + length) });
    if (this.asked.length > KEPT) this.asked.shift();
    return 0;
  }

  close(): void {
    if (this.closed) this.host.watch.report("a ping socket closed twice");
    this.closed = true;
    this.host.sockets.delete(this);
  }

  step(): void {
    const { random } = this.host.watch;
    if (this.closed || this.asked.length === 0) return;
    const { destination, sequence, payload } = this.asked[random.below(this.asked.length)]; // and perhaps again later
    const astray = random.below(8) === 0;
    const from = astray ? STRANGERS[this.version] : destination;
    if (random.below(2) === 0) {
      const hops = 1 + random.below(255);
      const sender = sockaddrOf(from, 0);
      return this.receiver.replied(this, this.identifier, sequence, sender, payload, 0, payload.length, hops);
    }
    const four = this.version === 4;
    const errno = random.of([EHOSTUNREACH, EMSGSIZE]), isLocal = random.of([true, false]);
    const reporter = random.of([null, destination, STRANGERS[this.version]]);
    const icmp: IcmpReport = { type: four ? 3 : 1, code: four ? 1 : 3, from: reporter };
    const error = { errno, icmp: isLocal ? null : icmp, mtu: errno === EMSGSIZE ? this.mtu : 0 };
    this.receiver.refused(this, this.identifier, sequence, { address: from, port: 0 }, error);
  }
}

/** Ping sockets that behave at random, and check how they are used. */
export class FuzzPings {
  readonly sockets: Set<FuzzEcho> = new Set<FuzzEcho>();
  private opened = 0;

  constructor(readonly watch: PingWatch) {}

  /** Opens a socket for the program. */
  readonly open: OpenEcho = (version, _kind, _source, receiver) => {
    this.opened = (this.opened + 1) % 0x10000;
    const socket = new FuzzEcho(this, version, this.opened, receiver);
    this.sockets.add(socket);
    return socket;
  };

  /** Lets some of the possible events happen. */
  step(): void {
    for (const socket of [...this.sockets]) if (this.watch.random.below(4) === 0) socket.step();
  }
}
