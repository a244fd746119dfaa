/**
 * The whole of the guest's network, frames in and sockets out, on a host that only writes down what it is asked for.
 *
 * @module
 */
import * as edns from "../../../forward/dns/edns.ts";
import { NameServers } from "../../../forward/dns/servers.ts";
import { Output } from "../../../forward/report/output.ts";
import { flowPrinters } from "../../../forward/report/flow_printer.ts";
import { Target } from "../../../forward/names/target.ts";
import { parseForward } from "../../../forward/syntax/forward_spec.ts";
import { Policy, type PolicyOptions } from "../../../forward/policy/policy.ts";
import { Prefix, PrefixSet } from "../../../forward/addresses/prefix.ts";
import { parseRanges } from "../../../forward/policy/range.ts";
import { asBound } from "../../../forward/host/shown.ts";
import { Slirp } from "../../../forward/slirp.ts";
import { formatEndpoint, type IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain, type Device, FramePool, IP_HEADER_AT } from "../../../stack/base/device.ts";
import { checksummed, concat, hex, ipv4, ipv6, toHex, udp } from "../../../scripts/lab/packets.ts";
import { FakeHost, FakeNames } from "../bed/fake_host.ts";

/** The flags, and ranges and remote forwards as they are written. */
export type Rules = Partial<Pick<PolicyOptions, "enableHost" | "enableRouting">> & {
  readonly allow?: string;
  readonly deny?: string;
  readonly remote?: readonly string[];
};

/** The guest's network with these rules. The host's own network is 192.168.1.0/24. */
export class SlirpBed implements Disposable {
  readonly host = new FakeHost();
  readonly listeners = new FakeHost();
  /** The IP packets that the guest got. */
  readonly sent: Uint8Array[] = [];
  /** What was printed about connections. */
  readonly lines: string[] = [];
  readonly slirp: Slirp;
  private readonly frames = new FramePool(allocatePlain);

  private constructor(policy: Policy) {
    const device: Device = {
      medium: "ip",
      mtu: 1500,
      checksumOffload: false,
      tcpSegmentation4: false,
      tcpSegmentation6: false,
      udpSegmentation: false,
      transmit: (transmit) => this.sent.push(transmit.flatten()) > 0,
    };
    this.slirp = new Slirp({
      device,
      frames: this.frames,
      allocate: allocatePlain,
      host: this.host,
      listeners: this.listeners,
      policy,
      echo: "local",
      nameServers: new NameServers({ read: () => "", now: () => 0 }),
      dns: false,
      edns,
      dhcp: false,
      slaac: false,
      observers: flowPrinters(
        new Output({ writeSync: (bytes) => this.lines.push(new TextDecoder().decode(bytes)) && bytes.length }),
      ),
      shown: asBound,
    });
  }

  /** One with these rules. */
  static async create(rules: Rules = {}): Promise<SlirpBed> {
    const { allow, deny, remote = [], enableHost = false, enableRouting = true } = rules;
    const read = (text = "") => text === "" ? [] : parseRanges(text, () => Promise.reject(new Error("no names here")));
    const hostNetworks = new PrefixSet([Prefix.parse("192.168.1.0/24")]);
    const ranges = { allow: await read(allow), deny: await read(deny) };
    const bed = new SlirpBed(new Policy({ ...ranges, enableHost, enableRouting, hostNetworks }));
    for (const text of remote) {
      const { network, bind, target, oneAnswer } = parseForward(text, "remote");
      if (bind.host.kind !== "address") throw new Error("only addresses here");
      const options = { names: new FakeNames({}), ttl: 0, now: () => 0, random: () => 0 };
      const forwards = network === "tcp" ? bed.slirp.remoteTcp : bed.slirp.remoteUdp;
      forwards.add({
        bind: { address: bind.host.address, port: bind.port },
        target: new Target(target, options),
        oneAnswer,
      });
    }
    return bed;
  }

  /** Takes a frame in a turn of its own. */
  feed(packet: Uint8Array): void {
    const frame = this.frames.take();
    frame.bytes.set(packet, IP_HEADER_AT);
    frame.start = IP_HEADER_AT;
    frame.end = IP_HEADER_AT + packet.length;
    frame.segmentSize = 0;
    frame.checksumTrusted = false;
    this.slirp.receive(frame);
    this.slirp.endOfTurn();
    if (!frame.held) this.frames.release(frame);
  }

  /** Where connections and datagrams went so far, and where to sockets were opened: `tcp 192.0.2.1:80`. */
  get reached(): string[] {
    return [
      ...this.host.dials.map(({ remote }) => `tcp ${formatEndpoint(remote)}`),
      ...this.host.sockets.flatMap(({ sent }) => sent.map((line) => `udp ${line.split(" ")[0]}`)),
    ];
  }

  [Symbol.dispose](): void {
    this.slirp.close();
  }
}

/** A SYN, and a datagram, of the guest to a port of that address, by an address of the guest's or any other. */
export function attempts(
  to: IpAddress,
  port: number,
  from: IpAddress,
): readonly [syn: Uint8Array, datagram: Uint8Array] {
  const ends = [toHex(from.bytes), toHex(to.bytes)] as const;
  const ports = `1388 ${port.toString(16).padStart(4, "0")}`;
  const syn = checksummed(hex(`${ports} 00000001 00000000 5002 ffff 0000 0000`), 16, 6, ...ends);
  const datagram = checksummed(udp(5000, port, [1, 2, 3]), 6, 17, ...ends);
  return [ip(to, from, 6, syn), ip(to, from, 17, datagram)];
}

/** An IP packet of either version; `extensions` are IPv4 options, or an IPv6 header whose first byte is the protocol. */
export function ip(
  to: IpAddress,
  from: IpAddress,
  protocol: number,
  payload: Uint8Array,
  options?: readonly number[],
): Uint8Array {
  if (to.version === 6) return ipv6(protocol, payload, toHex(from.bytes), toHex(to.bytes));
  const fields = { protocol, source: [...from.bytes], destination: [...to.bytes] };
  return ipv4(options === undefined ? fields : { ...fields, options }, payload);
}

/** An IPv6 packet with a routing header before the payload. */
export function routed6(
  to: IpAddress,
  from: IpAddress,
  via: IpAddress,
  type: number,
  segmentsLeft: number,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  const header = concat([protocol, 2, type, segmentsLeft, 0, 0, 0, 0], via.bytes);
  return ipv6(43, concat(header, payload), toHex(from.bytes), toHex(to.bytes));
}
