/**
 * The guest's name server with rules, in a test.
 *
 * @module
 */
import * as edns from "../../../forward/dns/edns.ts";
import { Buffer } from "node:buffer";
// @ts-types="@types/dns-packet"
import dnsPacket from "dns-packet";
import { Dns } from "../../../forward/dns/dns.ts";
import { DnsGate } from "../../../forward/dns/gate.ts";
import { HostAnswers } from "../../../forward/dns/host_answers.ts";
import { NameServers } from "../../../forward/dns/servers.ts";
import { OwnNaming } from "../../../forward/egress/naming.ts";
import { NewNames } from "../../../forward/egress/new_names.ts";
import { NameRules } from "../../../forward/policy/names/name_rules.ts";
import { OwnAddresses } from "../../../forward/policy/names/own_addresses.ts";
import { type NameRule, parseRules } from "../../../forward/policy/names/rule.ts";
import { allocatePlain } from "../../../stack/base/device.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { DEFAULT_ADDRESSES } from "../../../stack/link/addresses.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { FakeScheduler } from "../bed/fakes.ts";
import { guestDatagram } from "../bed/guest_datagram.ts";

/** The host's name server. */
export const SERVER = "192.0.2.1:53";
/** An OPT record without options. */
export const OPT: readonly number[] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];

/** The guest's name server with rules, between a guest and a server that the test plays. */
export class Bed {
  readonly scheduler = new FakeScheduler();
  readonly host = new FakeHost();
  readonly own = new OwnAddresses(100);
  readonly newNames: NewNames;
  readonly refusals: string[] = [];
  /** What the guest was sent, and from where. */
  readonly replies: { readonly from: string; readonly bytes: number[] }[] = [];
  readonly dns: Dns;
  /** Addresses that may not be used. */
  forbidden = "";
  /** The addresses that were judged. */
  readonly judged: string[] = [];

  constructor(rules: string, newNames = 10, hosts: Record<string, string> = {}) {
    const now = () => this.scheduler.now();
    this.newNames = new NewNames(newNames);
    const local = {
      addresses: (name: string) => hosts[name] === undefined ? null : hosts[name].split(" ").map(IpAddress.parse),
    };
    this.dns = new Dns({
      edns,
      servers: new NameServers({ read: () => "nameserver 192.0.2.1\n", now }),
      host: this.host,
      loopback: this.host,
      scheduler: this.scheduler,
      addresses: DEFAULT_ADDRESSES,
      allocate: allocatePlain,
      random: () => 0x1234,
      gate: new DnsGate({
        rules: new NameRules(parseRules(rules) as readonly NameRule[]),
        answers: new HostAnswers({ local, now, leastTtl: 5_000, limit: 100, maxWaiting: 4 }),
        naming: new OwnNaming(this.own),
        mayUse: (_name, address) => {
          this.judged.push(address.toString());
          return address.toString() !== this.forbidden;
        },
        newNames: this.newNames,
        now,
        refused: (name, reason) => this.refusals.push(`${name} ${reason}`),
      }),
      guest: {
        sendBytes: (from, _to, bytes, offset, length) => {
          this.replies.push({ from: `${from.address}`, bytes: [...bytes.subarray(offset, offset + length)] });
          return true;
        },
      },
    });
  }

  /** The guest asks over UDP. Returns the answer, if it came at once. */
  asks(message: readonly number[], to = "10.0.2.3:53"): number[] | undefined {
    const datagram = guestDatagram("10.0.2.100:4000", to, "");
    const bytes = Uint8Array.from([...datagram.bytes, ...message]);
    const before = this.replies.length;
    this.dns.takeDatagram({ ...datagram, bytes, length: message.length });
    return this.replies[before]?.bytes;
  }

  /** The host's server answers its newest question with these records. */
  answers(records: readonly dnsPacket.Answer[], rcode = 0): void {
    const socket = this.host.sockets.at(-1)!, [asked] = socket.messages;
    const { id, questions } = dnsPacket.decode(Buffer.from(asked!));
    const flags = rcode | dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE;
    const message = { type: "response" as const, id: id!, flags, questions: questions!, answers: [...records] };
    socket.hearsBytes(SERVER, Uint8Array.from(dnsPacket.encode(message)));
  }

  /** What the server was asked, in order. */
  get asked(): string[] {
    return this.host.sockets.map(({ messages: [message] }) => {
      const [{ type, name }] = dnsPacket.decode(Buffer.from(message!)).questions!;
      return `${type} ${name}`;
    });
  }
}

/** The labels of a name, and the root. */
export function labels(...parts: readonly string[]): number[] {
  return [...parts.flatMap((part) => [part.length, ...new TextEncoder().encode(part)]), 0];
}

/** A question for one type. `opt`: with an OPT record. */
export function question(name: readonly number[], type: number, opt = false): number[] {
  return [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, opt ? 1 : 0, ...name, type >> 8, type & 0xff, 0, 1, ...(opt ? OPT : [])];
}

/** Types of records. */
export const A = 1, PTR = 12, TXT = 16, AAAA = 28, SRV = 33, SVCB = 64, HTTPS = 65, ANY = 255;

/** A record of a.example. */
export function address(data: string, ttl = 300): dnsPacket.Answer {
  return { type: data.includes(":") ? "AAAA" : "A", name: "a.example", ttl, data };
}
