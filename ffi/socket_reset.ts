/**
 * Resetting a TCP connection of Deno's: the peer gets RST, not FIN.
 *
 * Deno has no call for it and does not show a connection's descriptor. SO_LINGER with a time of 0, the usual way, does
 * not do here even with the descriptor in hand: Deno's `close` calls shutdown(2) first, and so the peer sees a FIN.
 * connect(2) to an address of the family AF_UNSPEC does: Linux then disconnects the socket and sends RST at once,
 * whatever is queued, and operations that are pending on it end. The socket stays open until `close`.
 *
 * The descriptor is found by asking those of this process for their two ends (getsockname(2), getpeername(2)): 0.3 to
 * 0.5 ms among 1,000 of which nothing is known. The ports that were seen on a descriptor are remembered, so that a
 * search asks in this order: those last seen with the ports wanted, those never seen or known to have changed, then the
 * others, since descriptors are closed and used again without anyone telling. Nothing is done to a descriptor before it
 * has shown the wanted addresses and ports in the very same search. The size of the descriptor table, which the kernel
 * only ever enlarges, is the bound.
 *
 * @module
 */
import { cString, libc } from "./libc.ts";
import { readTextFile } from "./text_file.ts";

const AF_INET = 2;
const AF_INET6 = 10;
// asm-generic/socket.h, bits/socket_type.h
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SOCK_STREAM = 1;

// struct sockaddr_in and sockaddr_in6 of netinet/in.h: family (native), port (network order), then ...
const PORT_AT = 2;
const ADDRESS4_AT = 4;
const ADDRESS6_AT = 8;
/** Room for a sockaddr_in6 (28 bytes), and for what matters of all others. */
const SOCKADDR_SIZE = 128;

/** In the place of ports: not a TCP connection. */
const NO_CONNECTION = -1;

const STATUS = "/proc/self/status";

/** Finds and resets TCP connections of this process. */
export class SocketReset {
  /** By descriptor: the two ports last seen there, or NO_CONNECTION; undefined where nobody has looked. */
  private readonly seen: (number | undefined)[] = [];
  private tableSize = 0;
  private readonly local = new Uint8Array(new ArrayBuffer(SOCKADDR_SIZE));
  private readonly remote = new Uint8Array(new ArrayBuffer(SOCKADDR_SIZE));
  private readonly number = new Int32Array(new ArrayBuffer(4));
  private readonly length = new Uint32Array(new ArrayBuffer(4));
  private readonly unspecified = new Uint8Array(new ArrayBuffer(16)); // struct sockaddr: AF_UNSPEC is 0

  /**
   * Sends RST for the connection with these two ends, as {@linkcode Deno.TcpConn} names them. It must be open; close
   * it after the call as usual.
   *
   * @returns false when there is no such connection (any more), or it could not be reset
   */
  reset(local: Deno.NetAddr, remote: Deno.NetAddr): boolean {
    const wanted = new Ends(local, remote);
    const fd = this.find(wanted);
    if (fd < 0) return false;
    this.seen[fd] = undefined;
    return libc().connect(fd, this.unspecified, this.unspecified.length) === 0;
  }

  private find(wanted: Ends): number {
    for (const fd of this.candidates(wanted.ports)) {
      if (this.look(fd) === wanted.ports && this.matches(wanted)) return fd;
    }
    return -1;
  }

  /** All descriptors that there may be, the likely ones first. */
  private *candidates(ports: number): Generator<number> {
    const { seen, tableSize } = this;
    const likely: number[] = [], unknown: number[] = [], others: number[] = [];
    for (let fd = 0; fd < tableSize; fd++) {
      (seen[fd] === ports ? likely : seen[fd] === undefined ? unknown : others).push(fd);
    }
    yield* likely;
    yield* unknown;
    yield* others;
    this.tableSize = descriptorTableSize();
    for (let fd = tableSize; fd < this.tableSize; fd++) yield fd;
  }

  /** Reads the two ends of a descriptor into `local` and `remote`; the ports, or NO_CONNECTION. */
  private look(fd: number): number {
    return this.seen[fd] = this.readEnds(fd) ? portsOf(portOf(this.local), portOf(this.remote)) : NO_CONNECTION;
  }

  private readEnds(fd: number): boolean {
    const c = libc();
    const { local, remote, number, length } = this;
    length[0] = SOCKADDR_SIZE;
    if (c.getsockname(fd, local, length) < 0 || (local[0] !== AF_INET && local[0] !== AF_INET6)) return false;
    length[0] = SOCKADDR_SIZE;
    if (c.getpeername(fd, remote, length) < 0) return false;
    length[0] = 4;
    return c.getsockopt(fd, SOL_SOCKET, SO_TYPE, number, length) === 0 && number[0] === SOCK_STREAM;
  }

  private matches(wanted: Ends): boolean {
    const { local, remote } = this;
    if (local[0] !== wanted.family) return false;
    const at = wanted.family === AF_INET ? ADDRESS4_AT : ADDRESS6_AT;
    return startsWith(local, at, wanted.local) && startsWith(remote, at, wanted.remote);
  }
}

/** The two ends that are looked for, as the kernel writes them. */
class Ends {
  readonly family: number;
  readonly ports: number;
  readonly local: Uint8Array;
  readonly remote: Uint8Array;

  constructor(local: Deno.NetAddr, remote: Deno.NetAddr) {
    this.family = local.hostname.includes(":") ? AF_INET6 : AF_INET;
    this.ports = portsOf(local.port, remote.port);
    this.local = addressBytes(this.family, local.hostname);
    this.remote = addressBytes(this.family, remote.hostname);
  }
}

function addressBytes(family: number, text: string): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(family === AF_INET ? 4 : 16));
  if (libc().inet_pton(family, cString(text), bytes) !== 1) throw new TypeError(`not an address: ${text}`);
  return bytes;
}

function portOf(address: Uint8Array): number {
  return address[PORT_AT]! << 8 | address[PORT_AT + 1]!;
}

/** Both ports in one number. */
function portsOf(local: number, remote: number): number {
  return local * 0x10000 + remote;
}

function startsWith(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** FDSize of proc_pid_status(5): no descriptor of this process is that large. */
function descriptorTableSize(): number {
  const size = /^FDSize:\s*(\d+)$/m.exec(readTextFile(STATUS))?.[1];
  if (size === undefined) throw new Error(`${STATUS} has no FDSize`);
  return Number(size);
}
