import { SystemError } from "../../../ffi/libc/errors.ts";
import { type FrameDevice, PeerClosedError } from "../../../ffi/device/frame_device.ts";
import { FrameReader } from "../../../ffi/device/frame_reader.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { allocate } from "../../../ffi/libc/memory.ts";
import type { Polling } from "../../../ffi/poll/poller.ts";
import { openSocketDevice } from "../../../ffi/device/socket_device.ts";
import { QUEUE_SIZE } from "../../../ffi/device/stream_device.ts";
import { Frame, FRAME_SIZE, FramePool, IP_HEADER_AT, Transmit, TRANSPORT_AT } from "../../../stack/base/device.ts";
import { assert, assertEquals, assertFields, assertMatch, assertThrows } from "../../assert.ts";
import { begunPoller } from "../bed/begun_poller.ts";
import { isClosedOnExec, newSockets, sockets } from "../bed/sockets.ts";
import { boundSocket, close, connectTo, receive, send, socketPair } from "../bed/unix_sockets.ts";
import { concat } from "../../bytes.ts";

libc();

const SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_SEQPACKET = 5;
const TYPES = [["SOCK_DGRAM", SOCK_DGRAM], ["SOCK_SEQPACKET", SOCK_SEQPACKET], ["SOCK_STREAM", SOCK_STREAM]] as const;

/** For devices that never have to wait. */
const NO_POLLER: Polling = { add: () => ({ arm: () => assert(false, "it waits"), remove: () => {} }) };

function bytesOf(length: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => seed + i * 7);
}

/** The bytes that the other side sends for a frame. */
function wire(type: number, frame: Uint8Array): Uint8Array<ArrayBuffer> {
  if (type !== SOCK_STREAM) return Uint8Array.from(frame);
  const message = new Uint8Array(4 + frame.length);
  new DataView(message.buffer).setUint32(0, frame.length);
  message.set(frame, 4);
  return message;
}

/** A frame of this length to transmit: 14 + 20 bytes of headers, and a payload in pieces. */
function fill(out: Transmit, length: number, seed: number, pieces: number): Uint8Array {
  const bytes = bytesOf(length, seed);
  const headers = Math.min(34, length);
  out.begin(0);
  out.headStart = TRANSPORT_AT - headers;
  out.head.bytes.set(bytes.subarray(0, headers), out.headStart);
  const payload = allocate(Math.max(length, 1));
  payload.bytes.set(bytes);
  for (let i = 0; i < pieces; i++) {
    const from = headers + Math.floor((length - headers) * i / pieces);
    const to = headers + Math.floor((length - headers) * (i + 1) / pieces);
    out.addPart(payload, from, to - from);
  }
  return bytes;
}

function contents(frame: Frame): Uint8Array {
  return frame.bytes.slice(frame.start, frame.end);
}

for (const [name, type] of TYPES) {
  Deno.test(`${name}: frames in and out`, () => {
    const [own, peer] = socketPair(type);
    const device = openSocketDevice(own, { poller: NO_POLLER });
    assertFields(device, { medium: "ethernet", mtu: 1500, checksumOffload: false });
    assertFields(device, { tcpSegmentation4: false, tcpSegmentation6: false, name: `fd ${own}` });
    const frame = new Frame(allocate(FRAME_SIZE));
    assertEquals(device.read(frame), false);
    const sent = [60, 1514, 14, 65_549].map((length, i) => bytesOf(length, i));
    for (const bytes of sent) {
      const message = wire(type, bytes);
      assertEquals(send(peer, message), message.length);
    }
    frame.checksumTrusted = true;
    frame.segmentSize = 7;
    for (const bytes of sent) {
      assertEquals(device.read(frame), true);
      assertEquals(frame.start, IP_HEADER_AT - 14);
      assertEquals(contents(frame), Uint8Array.from(bytes));
      assertFields(frame, { checksumTrusted: false, segmentSize: 0 });
    }
    assertEquals(device.read(frame), false);

    const out = new Transmit(allocate);
    for (const [length, pieces] of [[60, 1], [1514, 3], [34, 0], [65_549, 16]] as const) {
      const expected = fill(out, length, length, pieces);
      assertEquals(device.transmit(out), true);
      assertEquals(receive(peer), wire(type, expected));
    }
    const bytes = 60 + 1514 + 65_549;
    assertEquals(device.counters, {
      framesIn: 4,
      bytesIn: bytes + 14,
      dropsIn: 0,
      framesOut: 4,
      bytesOut: bytes + 34,
      dropsOut: 0,
    });
    device.close();
    device.close();
    assertEquals(device.fd, -1);
    close(peer);
  });

  Deno.test(`${name}: a reader receives thousands of frames, and ends when the other side closes`, async () => {
    const [own, peer] = socketPair(type);
    await using poller = begunPoller();
    const device = openSocketDevice(own, { poller, mtu: 9000 });
    assertEquals(device.mtu, 9000);
    const pool = new FramePool(allocate);
    const over = Promise.withResolvers<Error>();
    const out = new Transmit(allocate);
    let received = 0;
    const reader = new FrameReader({
      source: device,
      fd: device.fd,
      poller,
      pool,
      receive: (frame) => {
        assertEquals(contents(frame), Uint8Array.from(bytesOf(60 + received % 1400, received)));
        received++;
        if (received % 100 === 0) { // back to the other side
          fill(out, 100, received, 2);
          assertEquals(device.transmit(out), true);
        }
      },
      endOfTurn: () => {},
      onError: over.resolve,
    });
    const TOTAL = 3000;
    let answers = 0;
    const drain = () => {
      for (let message = receive(peer, type === SOCK_STREAM ? 104 : 100); message !== null; answers++) {
        message = receive(peer, type === SOCK_STREAM ? 104 : 100);
      }
    };
    for (let i = 0; i < TOTAL;) {
      const message = wire(type, bytesOf(60 + i % 1400, i));
      for (let at = 0; at < message.length;) { // a stream takes parts
        const count = send(peer, message.subarray(at));
        if (count > 0) at += count;
        else await new Promise((resolve) => setTimeout(resolve, 1));
      }
      i++;
    }
    while (answers < TOTAL / 100) {
      drain();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(received, TOTAL);
    close(peer);
    if (type === SOCK_DGRAM) { // only the sender is told by the kernel
      fill(out, 100, 0, 1);
      assertEquals(device.transmit(out), false);
    }
    const error = await over.promise;
    assert(error instanceof PeerClosedError);
    assertMatch(error.message, /^the other side of fd \d+ has closed it$/);
    assertEquals(device.transmit(out), false);
    assertEquals(pool.taken, 0);
    reader.stop();
    device.close();
  });

  Deno.test(`${name}: descriptors are closed, and no longer inherited`, () => {
    const before = sockets();
    const [fd, peer] = socketPair(type);
    const device = openSocketDevice(fd, { poller: { add: () => ({ arm: () => {}, remove: () => {} }) } });
    const own = newSockets(before);
    assertEquals(own.length, type === SOCK_STREAM ? 3 : 2);
    for (const open of own) if (open !== peer) assertEquals(isClosedOnExec(open), true);
    device.close();
    close(peer);
    assertEquals(newSockets(before), []);
  });
}

for (const [name, type] of TYPES.slice(0, 2)) {
  Deno.test(`${name}: frames that the other side does not accept are dropped and counted`, () => {
    const [own, peer] = socketPair(type);
    const device = openSocketDevice(own, { poller: NO_POLLER });
    const out = new Transmit(allocate);
    fill(out, 1514, 3, 2);
    let sent = 0;
    while (device.transmit(out)) sent++;
    assert(sent > 50 && sent < 100_000);
    assertEquals(device.transmit(out), false);
    assertFields(device.counters, { framesOut: sent, dropsOut: 2 });
    let received = 0;
    while (receive(peer) !== null) received++;
    assertEquals(received, sent);
    assertEquals(device.transmit(out), true);
    device.close();
    close(peer);
  });
}

Deno.test("SOCK_DGRAM: an unconnected socket answers the last sender", async () => {
  const folder = await Deno.makeTempDir();
  const own = boundSocket(SOCK_DGRAM, `${folder}/own`);
  const device = openSocketDevice(own, { poller: NO_POLLER });
  const out = new Transmit(allocate);
  const expected = fill(out, 80, 9, 1);
  const frame = new Frame(allocate(FRAME_SIZE));
  assertEquals(device.transmit(out), false); // no peer yet
  const guests = ["first", "second-with-a-longer-name"].map((name) => {
    const fd = boundSocket(SOCK_DGRAM, `${folder}/${name}`);
    connectTo(fd, `${folder}/own`);
    return fd;
  });
  for (const guest of [...guests, guests[0]]) {
    send(guest, bytesOf(60, guest));
    assertEquals(device.read(frame), true);
    assertEquals(device.transmit(out), true);
    assertEquals(receive(guest), Uint8Array.from(expected));
  }
  const [anonymous, unused] = socketPair(SOCK_DGRAM);
  connectTo(anonymous, `${folder}/own`);
  send(anonymous, bytesOf(60, 1));
  assertEquals(device.read(frame), true);
  assertEquals(device.transmit(out), true); // this sender has no address: to the previous one
  assertEquals(receive(guests[0]), Uint8Array.from(expected));
  close(guests[0]); // no peer for the moment, which is not the end
  assertEquals(device.transmit(out), false);
  send(guests[1], bytesOf(60, 1));
  assertEquals(device.read(frame), true);
  assertEquals(device.transmit(out), true);
  for (const fd of [guests[1], anonymous, unused]) close(fd);
  device.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("SOCK_DGRAM: empty messages and messages too long for a frame are skipped", () => {
  const [own, peer] = socketPair(SOCK_DGRAM);
  const device = openSocketDevice(own, { poller: NO_POLLER });
  const frame = new Frame(allocate(FRAME_SIZE));
  send(peer, new Uint8Array(0));
  send(peer, new Uint8Array(70_000));
  send(peer, bytesOf(60, 5));
  assertEquals(device.read(frame), true);
  assertEquals(contents(frame), Uint8Array.from(bytesOf(60, 5)));
  assertEquals(device.counters.dropsIn, 2);
  device.close();
  close(peer);
});

Deno.test("SOCK_STREAM: frames arrive in pieces of any size", () => {
  const [own, peer] = socketPair(SOCK_STREAM);
  const device = openSocketDevice(own, { poller: NO_POLLER });
  const frame = new Frame(allocate(FRAME_SIZE));
  const frames = [60, 1, 300, 14].map((length, i) => bytesOf(length, i));
  const stream = Uint8Array.from(frames.flatMap((bytes) => [...wire(SOCK_STREAM, bytes)]));
  for (const piece of [1, 2, 3, 5, 61, 64, 65, 200]) {
    const got: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += piece) {
      send(peer, stream.slice(at, at + piece));
      while (device.read(frame)) got.push(contents(frame));
    }
    assertEquals(got, frames.map((bytes) => Uint8Array.from(bytes)));
  }
  send(peer, stream.slice(0, 20));
  assertEquals(device.read(frame), false);
  assertThrows(() => device.read(new Frame(allocate(FRAME_SIZE))), TypeError);
  close(peer); // in the middle of a frame
  assertThrows(() => device.read(frame), PeerClosedError);
  device.close();
});

for (const length of [0, 65_647, 0x4745_5420, 0xffff_ffff]) {
  Deno.test(`SOCK_STREAM: an impossible frame length, ${length}, is an error`, () => {
    const [own, peer] = socketPair(SOCK_STREAM);
    const device = openSocketDevice(own, { poller: NO_POLLER });
    const frame = new Frame(allocate(FRAME_SIZE));
    const prefix = new Uint8Array(4);
    new DataView(prefix.buffer).setUint32(0, length);
    send(peer, prefix);
    const error = assertThrows(() => device.read(frame), Error, `a frame of ${length} bytes`);
    assertMatch(error.message, /^fd \d+: .*QEMU's -netdev stream/);
    device.close();
    close(peer);
  });
}

/** Takes frames out of a stream, and checks each against what was sent. */
class StreamReader {
  readonly frames: Uint8Array[] = [];
  private rest = new Uint8Array(0);

  take(piece: Uint8Array): void {
    const all = concat([this.rest, piece]);
    let at = 0;
    for (const view = new DataView(all.buffer); at + 4 <= all.length;) {
      const length = view.getUint32(at);
      if (at + 4 + length > all.length) break;
      this.frames.push(all.slice(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.rest = all.slice(at);
  }

  get complete(): boolean {
    return this.rest.length === 0;
  }
}

Deno.test("SOCK_STREAM: a slow reader gets whole frames, and frames without room are dropped whole", async () => {
  const [own, peer] = socketPair(SOCK_STREAM);
  await using poller = begunPoller();
  const device = openSocketDevice(own, { poller });
  const out = new Transmit(allocate);
  const accepted: Uint8Array[] = [];
  const reader = new StreamReader();
  for (let round = 0; round < 4; round++) {
    let dropped = 0;
    for (let i = 0; dropped < 5; i++) { // until kernel and queue are full
      const bytes = fill(out, 34 + (i * 977 + round * 131) % 65_000, i, 1 + i % 16);
      if (device.transmit(out)) accepted.push(bytes);
      else dropped++;
    }
    const target = accepted.length;
    const until = round === 3 ? target : target - 20; // leave some in the queue, so that it is moved
    while (reader.frames.length < until) {
      const piece = receive(peer, 30_000);
      if (piece === null) await new Promise((resolve) => setTimeout(resolve, 1));
      else reader.take(piece);
    }
  }
  assertEquals(reader.complete, true);
  assertEquals(reader.frames.length, accepted.length);
  for (const [i, bytes] of accepted.entries()) assertEquals(reader.frames[i], Uint8Array.from(bytes));
  assertFields(device.counters, { framesOut: accepted.length, dropsOut: 20 });
  fill(out, 100, 1, 1);
  assertEquals(device.transmit(out), true); // immediately again, without the queue
  assertEquals(receive(peer)!.length, 104);
  device.close();
  close(peer);
});

Deno.test("SOCK_STREAM: the other side closes while frames are queued", async () => {
  const [own, peer] = socketPair(SOCK_STREAM);
  let flush = (_events: number): void => {};
  const armed: number[] = [];
  const device = openSocketDevice(own, {
    poller: {
      add: (_fd, callback) => {
        flush = callback;
        return { arm: (events) => armed.push(events), remove: () => {} };
      },
    },
  });
  const out = new Transmit(allocate);
  fill(out, 60_000, 1, 2);
  while (device.transmit(out));
  assertEquals(armed, [4]); // EPOLLOUT, once
  assert(device.counters.bytesOut > QUEUE_SIZE / 2);
  flush(4); // no room yet
  assertEquals(armed, [4, 4]);
  close(peer);
  flush(4 | 8 | 16);
  assertEquals(armed, [4, 4]);
  assertEquals(device.transmit(out), false);
  assertThrows(() => device.read(new Frame(allocate(FRAME_SIZE))), PeerClosedError);
  device.close();
  await Promise.resolve();
});

Deno.test("unusable descriptors are refused", async () => {
  const open = (fd: number): FrameDevice => openSocketDevice(fd, { poller: NO_POLLER });
  const fails = (fd: number, syscall: string, code: string, message: RegExp) => {
    const error = assertThrows(() => open(fd), SystemError);
    assertFields(error, { syscall, code, subject: `fd ${fd}` });
    assertMatch(error.message, message);
  };
  fails(12_345, "fcntl(F_GETFD)", "EBADF", /must be open, and inherited/);
  fails(-1, "fcntl(F_GETFD)", "EBADF", /must be open/);

  const c = libc();
  const file = c.eventfd(0, 0);
  fails(file, "getsockopt(SO_DOMAIN)", "ENOTSOCK", /must be a Unix socket/);
  close(file);
  const udp = c.socket(2, SOCK_DGRAM, 0);
  fails(udp, "getsockopt(SO_DOMAIN)", "EINVAL", /not a Unix one/);
  close(udp);
  const own = c.socket(1, SOCK_DGRAM | 0o2000000, 0);
  fails(own, "fcntl(F_GETFD)", "EBADF", /not inherited/);
  close(own);
  for (const type of [SOCK_STREAM, SOCK_SEQPACKET]) {
    const unconnected = c.socket(1, type, 0);
    fails(unconnected, "getpeername", "ENOTCONN", /must be connected/);
    close(unconnected);
  }
  await Promise.resolve();
});
