import { acceptFrameSocket } from "../../../ffi/device/frame_listener.ts";
import { PeerClosedError } from "../../../ffi/device/frame_device.ts";
import { socketDevice } from "../../../ffi/device/socket_device.ts";
import { SystemError } from "../../../ffi/libc/errors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { allocate } from "../../../ffi/libc/memory.ts";
import { until } from "../../../scripts/lab/until.ts";
import { Frame, FRAME_SIZE } from "../../../stack/base/device.ts";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "../../assert.ts";
import { isClosedOnExec } from "../bed/sockets.ts";
import { boundSocket, close, connectTo, newSocket, send } from "../bed/unix_sockets.ts";

libc();

const SOCK_SEQPACKET = 5;
const NO_POLLER = { add: () => ({ arm: () => assert(false, "it waits"), remove: () => {} }) };

/** Runs `test` with a path for a socket. */
async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-" });
  try {
    await test(`${directory}/guest.sock`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Connects as a guest does, as soon as somebody listens. */
async function connect(path: string): Promise<number> {
  const guest = newSocket(SOCK_SEQPACKET);
  await until("a listener", 5_000, () => {
    try {
      connectTo(guest, path);
      return true;
    } catch {
      return null;
    }
  });
  return guest;
}

Deno.test("the first client's messages are frames, and nobody else can connect", async () => {
  await withPath(async (path) => {
    const [fd, guest] = await Promise.all([acceptFrameSocket(path), connect(path)]);
    assert(isClosedOnExec(fd), "programs that are started do not get it");
    assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
    const device = socketDevice(fd, { poller: NO_POLLER, mtu: 9000 });
    assertEquals(device.mtu, 9000);
    const frame = new Frame(allocate(FRAME_SIZE));
    assertEquals(device.read(frame), false);
    const bytes = Uint8Array.from({ length: 60 }, (_, i) => i);
    send(guest, bytes);
    assertEquals(device.read(frame), true);
    assertEquals(frame.bytes.slice(frame.start, frame.end), bytes);
    close(guest);
    assertThrows(() => device.read(frame), PeerClosedError);
    device.close();
  });
});

Deno.test("a socket that nobody listens on is replaced; another file, and a socket in use, are not", async () => {
  await withPath(async (path) => {
    close(boundSocket(SOCK_SEQPACKET, path));
    const [fd, guest] = await Promise.all([acceptFrameSocket(path), connect(path)]);
    close(fd);
    close(guest);

    await Deno.writeTextFile(path, "a file");
    const refused = await assertRejects(() => acceptFrameSocket(path), SystemError);
    assertMatch(refused.message, /^bind on .*guest\.sock: .*EADDRINUSE/);
    assertEquals(await Deno.readTextFile(path), "a file");
    await Deno.remove(path);

    const waiting = acceptFrameSocket(path);
    await until("the listener", 5_000, () => Deno.statSync(path).isSocket);
    assertEquals((await assertRejects(() => acceptFrameSocket(path), SystemError)).code, "EADDRINUSE");
    const other = await connect(path);
    for (const open of [await waiting, other]) close(open);
  });
});

Deno.test("a path that is too long", async () => {
  const error = await assertRejects(() => acceptFrameSocket(`/${"x".repeat(107)}`), SystemError);
  assertEquals(error.code, "ENAMETOOLONG");
  assertMatch(error.message, /at most 107 bytes/);
});
