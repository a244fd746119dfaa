/**
 * One client of a local forward for UDP: the client's address and port on one side, and a port of the program towards the
 * guest on the other. The guest gets the client's datagrams from that port, and answers to it.
 *
 * The client's datagrams wait until the target's name has an address.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { type EndReason, endReason, EndReasons, EndReport, EOF } from "../../report/end_report.ts";
import type { LocalForwardObserver } from "../../report/flow_observers.ts";
import type { LocalForwardEnds } from "../../report/contract_lines.ts";
import type { GuestSender } from "../../udp/associations.ts";
import type { Idling } from "../../udp/idle_table.ts";
import type { Key } from "../../udp/keys.ts";
import { AssociationTraffic } from "../../udp/idle_timeout.ts";
import { WaitingDatagrams, type WaitingRoom } from "../../udp/waiting.ts";
import type { LocalForward } from "./forward.ts";

/** Sends answers to clients: a forward's socket. */
export interface AnswerSender {
  readonly forward: LocalForward;
  /** The address and port that it listens on. */
  readonly local: Endpoint;
  /** Sends `header`, if there is one, and then `bytes[offset .. offset + length)`, from `asked`. */
  answer(
    header: Uint8Array | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
    client: Endpoint,
    asked: IpAddress | null,
  ): void;
  /** A client of the socket has ended. */
  forget(client: LocalUdpClient): void;
}

/** The calls of a client to its owner, and the parts that the owner provides. */
export interface LocalUdpClientOwner {
  readonly guest: GuestSender;
  readonly room: WaitingRoom;
  readonly observer: LocalForwardObserver;
  now(): number;
  /** Chooses the program's end towards a target: an address and a free port; null: all ports are taken. */
  takePort(client: LocalUdpClient, target: Endpoint): Endpoint | null;
  /** The client has ended. */
  ended(client: LocalUdpClient): void;
}

/** A client of a local forward for UDP. */
export class LocalUdpClient implements Idling {
  readonly usage: AssociationTraffic;
  /** The program's end towards the guest, and the guest's end; both are null until the target is known. */
  local: Endpoint | null = null;
  target: Endpoint | null = null;
  private readonly waiting: WaitingDatagrams;
  private over = false;

  /**
   * @param key its key in the listener's table
   * @param client its address and port, from which it sends and to which answers go
   * @param asked the address of the host that the client sent to; null: that of the listener
   * @param source the client's address as the guest sees it, if it may
   * @param header the header of each answer; null: none
   * @param port the target's port if the forward gives none
   */
  constructor(
    readonly key: Key,
    readonly client: Endpoint,
    readonly asked: IpAddress | null,
    readonly source: IpAddress,
    private readonly header: Uint8Array | null,
    private readonly port: number,
    readonly listener: AnswerSender,
    private readonly owner: LocalUdpClientOwner,
  ) {
    this.usage = new AssociationTraffic(owner.now());
    this.waiting = new WaitingDatagrams(owner.room);
  }

  /** Finds the target. */
  start(): void {
    const { target } = this.listener.forward;
    const known = target.known();
    if (known !== null) return this.open(known);
    target.ask().then(
      (endpoint) => {
        if (!this.over) this.open(endpoint);
      },
      (error: unknown) => this.close(endReason(error), `${target.name}-failed`),
    );
  }

  /** Takes the client's datagram `bytes[offset .. offset + length)`. */
  sent(bytes: Uint8Array, offset: number, length: number): void {
    const { local, target } = this;
    if (this.over) return; // no port was free
    if (local === null || target === null) return this.waiting.add(bytes, offset, length);
    this.usage.noteSent(this.owner.now(), length, target.port);
    this.owner.guest.sendBytes(local, target, bytes, offset, length);
  }

  /** Takes an answer of the guest. */
  answered(bytes: Uint8Array, offset: number, length: number): void {
    this.usage.noteAnswered(this.owner.now(), length);
    this.listener.answer(this.header, bytes, offset, length, this.client, this.asked);
    if (this.listener.forward.oneAnswer) this.close(EOF);
  }

  /** The guest reports by ICMP that its port is closed. */
  guestUnreachable(): void {
    this.close(EndReasons.REFUSED);
  }

  end(reason: EndReason): void {
    if (!this.over) this.finish("l-read", reason, this.listener.forward.target.toString());
  }

  private open({ address, port }: Endpoint): void {
    const target = { address, port: port === 0 ? this.port : port };
    const local = this.owner.takePort(this, target);
    if (local === null) return this.close(EndReasons.NO_PORT);
    this.local = local;
    this.target = target;
    this.owner.observer.opened(this.ends(local, target), this.usage);
    for (const bytes of this.waiting.take()) this.sent(bytes, 0, bytes.length);
  }

  /** Ends the client. The report gives the reason as the guest's. */
  private close(reason: EndReason, target = this.listener.forward.target.toString()): void {
    if (!this.over) this.finish("r-read", reason, target);
  }

  private finish(end: "l-read" | "r-read", reason: EndReason, target: string): void {
    const { local, owner } = this;
    this.over = true;
    this.waiting.take();
    owner.ended(this);
    const report = new EndReport();
    report.record(end, reason);
    if (local !== null && this.target !== null) owner.observer.done(this.ends(local, this.target), report);
    else owner.observer.failed(this.clientEnds(), target, report);
  }

  private clientEnds(): Omit<LocalForwardEnds, "guestLocal" | "target"> {
    const { client, listener } = this;
    return { network: "udp", client, listener: listener.local, proxyProtocol: listener.forward.proxyProtocol };
  }

  private ends(guestLocal: Endpoint, target: Endpoint): LocalForwardEnds {
    return { ...this.clientEnds(), guestLocal, target };
  }
}
