/**
 * The guest's whole network in one object: the stack, and what forwards its connections and datagrams to the host.
 * It is handed frames and hands frames to the device; it opens and reads nothing itself.
 *
 * @module
 */
import type { Allocate, Device, Frame, FramePool } from "../stack/device.ts";
import { Stack } from "../stack/stack.ts";
import type { FlowLog } from "./flow_lines.ts";
import type { HostNetwork } from "./host.ts";
import { StackLoop } from "./stack_loop.ts";
import { RoutedFlows, type TcpPolicy } from "./tcp/routed.ts";
import { Associations, type UdpPolicy } from "./udp/associations.ts";

/** What a {@linkcode Slirp} is made of. */
export interface SlirpOptions {
  readonly device: Device;
  /** The pool that frames given to {@linkcode Slirp.receive} are from. */
  readonly frames: FramePool;
  readonly allocate: Allocate;
  readonly host: HostNetwork;
  readonly policy: TcpPolicy & UdpPolicy;
  /** Whether echo requests are answered, whatever their destination. */
  readonly echo: "local" | "off";
  readonly tcpLog: FlowLog;
  readonly udpLog: FlowLog;
}

/** See the module's text. */
export class Slirp {
  readonly stack: Stack;
  readonly flows: RoutedFlows;
  readonly associations: Associations;
  private readonly loop: StackLoop = new StackLoop();

  constructor(options: SlirpOptions) {
    const { device, frames, allocate, host, policy, echo, tcpLog, udpLog } = options;
    const { loop } = this;
    this.stack = new Stack({
      ...{ device, frames, allocate, echo },
      clock: () => loop.now(),
      random: randomUint32,
      handlers: {
        tcpRequest: (request) => this.flows.request(request),
        udp: (datagram) => this.associations.receive(datagram),
        udpUnreachable: (_local, guest) => this.associations.refused(guest),
      },
    });
    this.flows = new RoutedFlows({ host, policy, loop, log: tcpLog });
    this.associations = new Associations({ host, policy, loop, guest: this.stack.udp, log: udpLog });
    loop.drive(this.stack);
  }

  /** Takes a frame of the guest; `endOfTurn` must follow. */
  receive(frame: Frame): void {
    this.stack.receive(frame);
  }

  /** No more frames for now. */
  endOfTurn(): void {
    this.stack.flush();
    this.loop.settle();
  }

  /** Resets all connections on both sides and ends everything else, at once. */
  close(): void {
    this.flows.abort();
    this.associations.close();
    this.stack.close();
    this.loop.stop();
  }
}

const random = new Uint32Array(1);

function randomUint32(): number {
  return crypto.getRandomValues(random)[0]!;
}
