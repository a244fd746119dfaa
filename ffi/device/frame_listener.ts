/**
 * A Unix socket that waits for the guest's side of the device: User-mode Linux's `vec0:transport=bess,dst=PATH`, which
 * connects, and then sends one frame a message. The first client is the guest, and no other client can connect.
 *
 * @module
 */
import type { FrameDevice } from "./frame_device.ts";
import { socketDevice, type SocketDeviceOptions } from "./socket_device.ts";
import { errno, libc } from "../libc/libc.ts";
import { check, EADDRINUSE, EAGAIN, ECONNREFUSED, EINTR, ENAMETOOLONG, SystemError } from "../libc/errors.ts";
import { MachineBlock } from "../libc/memory.ts";
import { POLLFD_SIZE, POLLIN } from "../libc/constants/poll.ts";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK_CLOEXEC, SOCK_SEQPACKET } from "../libc/constants/socket.ts";

/** `struct sockaddr_un` of linux/un.h: the family, and the path with its NUL. */
const PATH_AT = 2, SOCKADDR_UN_SIZE = 110;

/**
 * Listens at `path`, and resolves with the socket of the first client. The listening socket's file is removed then. A
 * file that a program has left after its end is replaced. Rejects with a SystemError.
 */
export async function acceptFrameSocket(path: string): Promise<number> {
  const listener = listen(path);
  try {
    return await accept(listener, path);
  } finally {
    libc().close(listener);
    Deno.removeSync(path);
  }
}

/**
 * Waits for the guest at `path`, and returns its device. Rejects with a SystemError.
 */
export async function acceptGuest(path: string, options: SocketDeviceOptions): Promise<FrameDevice> {
  return socketDevice(await acceptFrameSocket(path), options);
}

function listen(path: string): number {
  const c = libc();
  const address = sockaddrUn(path);
  const listener = check(c.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK_CLOEXEC, 0), "socket(AF_UNIX)", "");
  try {
    if (c.bind(listener, address, address.length) < 0) {
      const error = new SystemError("bind", errno(), path);
      if (error.errno !== EADDRINUSE || !isDead(path, address)) throw error;
      Deno.removeSync(path);
      check(c.bind(listener, address, address.length), "bind", path);
    }
    check(c.listen(listener, 1), "listen", path);
    return listener;
  } catch (error) {
    c.close(listener);
    throw error;
  }
}

/**
 * Whether the file is a socket that no program has open. It is tested by a socket of another type, to which an open one
 * answers EPROTOTYPE: a client of the right type would count as the guest.
 */
function isDead(path: string, address: Uint8Array<ArrayBuffer>): boolean {
  if (!Deno.lstatSync(path).isSocket) return false; // the kernel answers ECONNREFUSED for any other file as well
  const c = libc();
  const client = check(c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket(AF_UNIX)", "");
  const refused = c.connect(client, address, address.length) < 0 && errno() === ECONNREFUSED;
  c.close(client);
  return refused;
}

async function accept(listener: number, path: string): Promise<number> {
  const c = libc();
  const wanted = new MachineBlock(POLLFD_SIZE);
  const view = new DataView(wanted.bytes.buffer, wanted.bytes.byteOffset);
  view.setInt32(0, listener, true);
  view.setInt16(4, POLLIN, true);
  for (;;) {
    await c.pollLater(wanted.pointerAt(0), 1n, -1);
    const client = c.accept4(listener, null, null, SOCK_CLOEXEC);
    if (client >= 0) return client;
    if (errno() !== EAGAIN && errno() !== EINTR) throw new SystemError("accept", errno(), path);
  }
}

function sockaddrUn(path: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(path);
  const address = new Uint8Array(new ArrayBuffer(PATH_AT + text.length + 1));
  if (address.length > SOCKADDR_UN_SIZE) {
    throw new SystemError(
      "bind",
      ENAMETOOLONG,
      path,
      `a socket's path has at most ${SOCKADDR_UN_SIZE - PATH_AT - 1} bytes`,
    );
  }
  address[0] = AF_UNIX;
  address.set(text, PATH_AT);
  return address;
}
