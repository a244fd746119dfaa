/**
 * One client of a local forward for TCP.
 *
 *     accepted → [PROXY header] → [lookup of the target] → SYN to the guest → SYN-ACK → splice
 *
 * The host's kernel accepts the client before the guest has decided. If the guest refuses, the client's connection is
 * reset. A connection whose PROXY header is missing or wrong is reset too.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../../../stack/base/address.ts";
import type { Allocate } from "../../../stack/base/device.ts";
import type { TcpFailure, TcpFlow, TcpHandler } from "../../../stack/tcp/flow.ts";
import type { Tcp } from "../../../stack/tcp/tcp.ts";
import { type EndReason, endReason, EndReasons, EndReport } from "../../report/end_report.ts";
import type { Scheduler } from "../../timers/scheduler.ts";
import type { LocalForwardObserver, Traffic } from "../../report/flow_observers.ts";
import type { HostStream } from "../../host/host_network.ts";
import type { LocalForwardEnds } from "../../report/contract_lines.ts";
import { Splice } from "../../tcp/splice.ts";
import { type LocalForward, type OwnAddresses, sourceTowards } from "./forward.ts";
import { type ProxiedStart, type ProxyHeaderHandler, ProxyHeaderReader } from "./proxy_header.ts";

/** Connects to the guest. */
export type GuestConnector = Pick<Tcp, "connect">;

/** The calls of a {@linkcode LocalTcpClient} to its owner, and the parts that the owner provides. */
export interface LocalTcpClientOwner {
  readonly guest: GuestConnector;
  readonly scheduler: Scheduler;
  readonly allocate: Allocate;
  readonly own: OwnAddresses;
  readonly observer: LocalForwardObserver;
  /** Starts the timeout of its header, which calls {@linkcode LocalTcpClient.expire}. */
  awaitHeader(flow: LocalTcpClient): void;
  /** Stops that timeout. */
  headerDone(flow: LocalTcpClient): void;
  /** The client has ended. Stops that timeout too. */
  ended(flow: LocalTcpClient): void;
}

/** A client of a local forward for TCP. */
export class LocalTcpClient implements TcpHandler, ProxyHeaderHandler, Traffic {
  private flow: TcpFlow | null = null;
  private splice: Splice | null = null;
  private ends: LocalForwardEnds | null = null;
  /** The client's address: that of the header, if a proxy speaks for the client. */
  private client: IpAddress | null;
  /** The port of the target if the forward gives none. */
  private port: number;
  /** The client's data that came with the header. */
  private data: Uint8Array | null = null;
  private over = false;

  constructor(
    private readonly stream: HostStream,
    private readonly forward: LocalForward,
    private readonly owner: LocalTcpClientOwner,
  ) {
    this.client = stream.remote.address;
    this.port = stream.local.port;
  }

  get sentBytes(): number {
    return this.flow?.bytesAcknowledged ?? 0;
  }

  get answeredBytes(): number {
    return this.flow?.bytesReceived ?? 0;
  }

  /** Starts. */
  start(): void {
    if (!this.forward.proxyProtocol) return this.findTarget();
    this.owner.awaitHeader(this);
    new ProxyHeaderReader(this.stream, this.owner.allocate, this).start();
  }

  /** Resets both sides; after the end it does nothing. */
  abort(): void {
    if (this.splice !== null) return this.splice.abort();
    this.flow?.abort();
    this.fail(EndReasons.ABORTED);
  }

  // ---- the header ----

  /** The header has not come in time. */
  expire(): void {
    this.headerFailed({ text: "no PROXY header in time", outcome: "timeout" });
  }

  headerRead({ source, destination, data }: ProxiedStart): void {
    if (this.over) return;
    this.owner.headerDone(this);
    if (source !== null) this.client = source.address;
    if (destination !== null) this.port = destination.port;
    if (data.length > 0) this.data = data.slice();
    this.findTarget();
  }

  headerFailed(reason: EndReason): void {
    if (this.over) return;
    const { stream, forward, owner } = this;
    owner.observer.failed(this.clientEnds, forward.target.toString(), reason);
    stream.reset();
    this.finish();
  }

  // ---- the target ----

  private findTarget(): void {
    const { target } = this.forward;
    const known = target.known();
    if (known !== null) return this.connect(known);
    target.ask().then(
      (endpoint) => {
        if (!this.over) this.connect(endpoint);
      },
      (error: unknown) => this.fail(endReason(error), `${target.name}-failed`),
    );
  }

  private connect({ address, port }: Endpoint): void {
    const { guest, own } = this.owner;
    const target = { address, port: port === 0 ? this.port : port };
    const source = { address: sourceTowards(address, this.client, own), port: 0 };
    const flow = guest.connect(source, target, this);
    if (flow === null) return this.fail(EndReasons.TOO_MANY_CONNECTIONS, formatEndpoint(target));
    this.flow = flow;
    this.ends = { ...this.clientEnds, guestLocal: flow.local, target };
  }

  // ---- the guest's side ----

  established(): void {
    const { stream, flow, ends } = this;
    const { observer, scheduler } = this.owner;
    if (flow === null || ends === null) throw new Error("a connection was established before it was made");
    observer.opened(ends, this);
    const splice = new Splice(stream, "r", scheduler, (splice) => {
      observer.done(ends, splice.ends);
      this.finish();
    });
    this.splice = splice;
    flow.handler = splice;
    splice.start(flow, this.sendData(flow));
  }

  readable(): void {}

  writable(): void {}

  closed(failure: TcpFailure | null): void {
    this.fail(FAILURES[failure ?? "aborted"]);
  }

  /** Sends the guest the data that came with the header; returns their length. */
  private sendData(flow: TcpFlow): number {
    const data = this.data ?? new Uint8Array(0);
    this.data = null;
    for (let sent = 0; sent < data.length;) {
      const chunk = flow.reserve(data.length - sent);
      if (chunk === null) throw new Error("a new connection has no room for what came with its header");
      chunk.block.bytes.set(data.subarray(sent, sent + chunk.length), chunk.offset);
      flow.commit(chunk.length);
      sent += chunk.length;
    }
    return data.length;
  }

  // ---- the end ----

  private get clientEnds(): Omit<LocalForwardEnds, "guestLocal" | "target"> {
    const { stream, forward } = this;
    return {
      network: "tcp",
      client: stream.remote,
      listener: stream.local,
      proxyProtocol: forward.proxyProtocol,
    };
  }

  /** The connection with the guest could not be opened. */
  private fail(reason: EndReason, target = this.targetText()): void {
    if (this.over) return;
    const report = new EndReport();
    report.record("r-read", reason);
    this.owner.observer.failed(this.clientEnds, target, report);
    this.stream.reset();
    this.finish();
  }

  private targetText(): string {
    return this.ends === null ? this.forward.target.toString() : formatEndpoint(this.ends.target);
  }

  private finish(): void {
    this.over = true;
    this.owner.ended(this);
  }
}

/** The reason for each failure of the connection to the guest. */
const FAILURES: Readonly<Record<TcpFailure, EndReason>> = {
  reset: EndReasons.REFUSED,
  timeout: EndReasons.TIMED_OUT,
  unreachable: EndReasons.NO_ROUTE,
  aborted: EndReasons.ABORTED,
};
