import { SystemError } from "../../../ffi/libc/errors.ts";
import { FrameReader } from "../../../ffi/device/frame_reader.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { allocate } from "../../../ffi/libc/memory.ts";
import { withNetworkNamespace } from "../../../ffi/network/netns.ts";
import type { Poller } from "../../../ffi/poll/poller.ts";
import { openTun } from "../../../ffi/device/open_tun.ts";
import { TunDevice } from "../../../ffi/device/tun_device.ts";
import { Frame, FRAME_SIZE, FramePool, IP_HEADER_AT, Segmentation, Transmit } from "../../../stack/base/device.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertFields, assertThrows } from "../../assert.ts";
import { begunPoller, onError } from "../bed/begun_poller.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../bed/namespace.ts";
import { equals } from "../../bytes.ts";
import { EPOLLIN } from "../../../ffi/libc/constants/poll.ts";

libc();

const OWN_MAC = [0x70, 0x71, 0xaa, 0x4b, 0x29, 0xaa];
const GUEST_MAC = [0x02, 0, 0, 0, 0, 0x64];
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const mac = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");

/** A guest 10.9.0.2 / fd09::2 that reaches 10.9.0.1 / fd09::1 through its device tt0. */
function makeGuest(kind: "tap" | "tun", mtu = 1500): Promise<TestNamespace> {
  const neighbours = kind === "tun" ? [] : [
    `neigh add 10.9.0.1 lladdr ${mac(OWN_MAC)} dev tt0`,
    `neigh add fd09::1 lladdr ${mac(OWN_MAC)} dev tt0`,
  ];
  return TestNamespace.make(
    `tuntap add tt0 mode ${kind}`,
    `link set tt0 mtu ${mtu}${kind === "tap" ? ` address ${mac(GUEST_MAC)}` : ""} up`,
    "addr add 10.9.0.2/24 dev tt0",
    "addr add fd09::2/64 dev tt0 nodad",
    ...neighbours,
  );
}

/** Attaches to the device, and waits until the guest's kernel has noticed: frames sent before that are dropped. */
async function openDevice(namespace: TestNamespace, offload: boolean): Promise<TunDevice> {
  const device = new TunDevice(withNetworkNamespace(namespace.path, () => openTun("tt0", { offload })));
  await until("a carrier", 5000, async () => /state UP/.test(await namespace.ip("link show tt0")));
  await namespace.ip("link set tt0 up"); // waits for the lock that the kernel holds until all of that is done
  return device;
}

/** A UDP socket of the guest. */
function guestSocket(namespace: TestNamespace, hostname: string): Deno.DatagramConn {
  return withNetworkNamespace(
    namespace.path,
    () => Deno.listenDatagram({ transport: "udp", hostname, port: 0 }),
  );
}

/** Reads until a UDP datagram from `port` arrives (the guest's kernel sends frames of its own as well). */
async function readDatagram(device: TunDevice, poller: Poller, frame: Frame, port: number): Promise<number> {
  let wake = (): void => {};
  const handle = poller.add(device.fd, () => wake());
  for (;;) {
    while (device.read(frame)) {
      const { bytes } = frame;
      const version = bytes[IP_HEADER_AT] >> 4;
      const udp = IP_HEADER_AT + (version === 4 ? 20 : 40);
      const protocol = bytes[IP_HEADER_AT + (version === 4 ? 9 : 6)];
      if (protocol === 17 && (bytes[udp] << 8 | bytes[udp + 1]) === port) {
        handle.remove();
        return udp;
      }
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    handle.arm(EPOLLIN);
    await promise;
  }
}

function sum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let total = start;
  for (let i = from; i < to; i += 2) total += bytes[i] << 8 | (i + 1 < to ? bytes[i + 1] : 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** The sum of the pseudo-header of the packet whose IP header is at `ip`. */
function pseudoSum(bytes: Uint8Array, ip: number, protocol: number, length: number): number {
  const addresses = bytes[ip] >> 4 === 4 ? [ip + 12, ip + 20] as const : [ip + 8, ip + 40] as const;
  return sum(bytes, addresses[0], addresses[1], protocol + (length & 0xffff) + (length >>> 16));
}

/**
 * Makes `out` of a received frame: the same headers, contiguous, and the payload in pieces where it lies. `swap`: sent
 * back to where it came from.
 */
function turnAround(frame: Frame, device: TunDevice, out: Transmit, swap: boolean, pieces: number): void {
  const { bytes } = frame;
  const ip = IP_HEADER_AT;
  const version = bytes[ip] >> 4;
  const protocol = bytes[ip + (version === 4 ? 9 : 6)];
  const transport = ip + (version === 4 ? 20 : 40);
  const headers = transport + (protocol === 17 ? 8 : protocol === 6 ? (bytes[transport + 12] >> 4) * 4 : 0);
  out.begin(headers - transport);
  out.headStart = out.headEnd - (headers - frame.start);
  const head = out.head.bytes;
  const delta = out.headStart - frame.start; // from an offset in the frame to the offset in the head
  head.set(bytes.subarray(frame.start, headers), out.headStart);
  const length = frame.end - headers;
  for (let i = 0; i < pieces; i++) {
    const from = Math.floor(length * i / pieces), to = Math.floor(length * (i + 1) / pieces);
    out.addPart(frame.block, headers + from, to - from);
  }
  const swapBytes = (a: number, b: number, count: number) => {
    head.set(bytes.subarray(b, b + count), a + delta);
    head.set(bytes.subarray(a, a + count), b + delta);
  };
  if (swap) {
    if (device.medium === "ethernet") swapBytes(frame.start, frame.start + 6, 6);
    if (version === 4) swapBytes(ip + 12, ip + 16, 4);
    else swapBytes(ip + 8, ip + 24, 16);
    swapBytes(transport, transport + 2, 2);
  }
  if (!frame.checksumTrusted) return; // exchanging the two ends does not change a checksum
  if (device.checksumOffload) {
    out.checksumStart = transport + delta;
    out.checksumOffset = protocol === 6 ? 16 : 6;
    // The field holds the pseudo-header's sum already, from the sender's kernel.
  }
  if (frame.segmentSize > 0) {
    out.segmentSize = frame.segmentSize;
    out.segmentation = protocol === 17 ? Segmentation.Udp : version === 4 ? Segmentation.Tcp4 : Segmentation.Tcp6;
  }
}

for (const kind of ["tap", "tun"] as const) {
  for (const offload of [true, false]) {
    Deno.test({
      name: `${kind}, ${offload ? "with" : "without"} offloads: a datagram out of the kernel and back${NEEDS_ROOT}`,
      ignore: !IS_ROOT,
      fn: async () => {
        await using namespace = await makeGuest(kind);
        const device = await openDevice(namespace, offload);
        await using poller = begunPoller();
        const frame = new Frame(allocate(FRAME_SIZE));
        const out = new Transmit(allocate);
        assertFields(device, { medium: kind === "tap" ? "ethernet" : "ip", mtu: 1500 });
        assertFields(device, { checksumOffload: offload, tcpSegmentation4: offload, tcpSegmentation6: offload });

        for (const [hostname, peer] of [["10.9.0.2", "10.9.0.1"], ["fd09::2", "fd09::1"]] as const) {
          const socket = guestSocket(namespace, hostname);
          assert(socket.addr.transport === "udp");
          await socket.send(new TextEncoder().encode("hello, stack"), {
            transport: "udp",
            hostname: peer,
            port: 7,
          });
          const udp = await readDatagram(device, poller, frame, socket.addr.port);
          const { bytes } = frame;
          if (kind === "tap") {
            assertEquals(frame.start, IP_HEADER_AT - 14);
            assertEquals([...bytes.subarray(frame.start, frame.start + 12)], [...OWN_MAC, ...GUEST_MAC]);
          } else {
            assertEquals(frame.start, IP_HEADER_AT);
          }
          assertEquals(frame.end, udp + 8 + 12);
          assertEquals(text(bytes.subarray(udp + 8, frame.end)), "hello, stack");
          assertEquals([...bytes.subarray(udp + 2, udp + 6)], [0, 7, 0, 20]);
          assertFields(frame, { checksumTrusted: offload, segmentSize: 0 });
          const pseudo = pseudoSum(bytes, IP_HEADER_AT, 17, 20);
          if (offload) assertEquals(bytes[udp + 6] << 8 | bytes[udp + 7], pseudo);
          else assertEquals(sum(bytes, udp, frame.end, pseudo), 0xffff);

          for (const pieces of [1, 2, 5, 12]) {
            turnAround(frame, device, out, true, pieces);
            assertEquals(device.transmit(out), true);
            const [data, from] = await socket.receive();
            assertEquals(text(data), "hello, stack");
            assertEquals(from, { transport: "udp", hostname: peer, port: 7 });
          }
          socket.close();
        }
        const { counters } = device;
        assert(counters.framesIn >= 2 && counters.bytesIn >= 2 * 20 + 20 + 40);
        assertEquals(counters.framesOut, 8);
        const link = kind === "tap" ? 14 : 0;
        assertEquals(counters.bytesOut, 4 * (link + 20 + 20) + 4 * (link + 40 + 20));
        assertFields(counters, { dropsIn: 0, dropsOut: 0 });
        device.close();
      },
    });

    Deno.test({
      name: `${kind}, ${offload ? "with" : "without"} offloads: TCP between two guests through us${NEEDS_ROOT}`,
      ignore: !IS_ROOT,
      fn: async () => {
        await using client = await makeGuest(kind);
        await using server = await makeGuest(kind);
        // the other end of the wire
        await server.ip("addr del 10.9.0.2/24 dev tt0");
        await server.ip("addr del fd09::2/64 dev tt0");
        await server.ip("addr add 10.9.0.1/24 dev tt0");
        await server.ip("addr add fd09::1/64 dev tt0 nodad");
        if (kind === "tap") {
          await server.ip(`link set tt0 address ${mac(OWN_MAC)}`);
          await server.ip(`neigh add 10.9.0.2 lladdr ${mac(GUEST_MAC)} dev tt0`);
          await server.ip(`neigh add fd09::2 lladdr ${mac(GUEST_MAC)} dev tt0`);
        }
        await using poller = begunPoller();
        const devices = [await openDevice(client, offload), await openDevice(server, offload)] as const;
        const largest = [0, 0];
        const pool = new FramePool(allocate);
        const out = new Transmit(allocate);
        const readers = [0, 1].map((side) =>
          new FrameReader({
            source: devices[side],
            fd: devices[side].fd,
            poller,
            pool,
            receive: (frame) => {
              if (frame.segmentSize > 0) largest[side] = Math.max(largest[side], frame.end - IP_HEADER_AT);
              turnAround(frame, devices[1 - side], out, false, 3);
              devices[1 - side].transmit(out);
            },
            endOfTurn: () => {},
            onError,
          })
        );
        const data = crypto.getRandomValues(new Uint8Array(50_000));
        const file = await Deno.makeTempFile();
        await Deno.writeFile(file, new Blob(Array(60).fill(data)).stream());
        for (const [hostname, url] of [["10.9.0.1", "http://10.9.0.1"], ["fd09::1", "http://[fd09::1]"]] as const) {
          largest.fill(0);
          const http = withNetworkNamespace(
            server.path,
            () => Deno.serve({ hostname, port: 0, onListen: () => {} }, (request) => new Response(request.body)),
          );
          const { code, stdout, stderr } = await client.command(
            ..."curl -sS --max-time 20 -H Expect: --data-binary".split(" "),
            `@${file}`,
            `${url}:${http.addr.port}/`,
          ).output();
          assertEquals({ code, stderr: text(stderr) }, { code: 0, stderr: "" });
          assertEquals(stdout.length, 60 * data.length);
          for (let i = 0; i < 60; i++) {
            assertEquals(equals(stdout.subarray(i * data.length, (i + 1) * data.length), data), true);
          }
          for (const size of largest) assertEquals(size > 10_000, offload); // large segments
          await http.shutdown();
        }
        await Deno.remove(file);
        for (const device of devices) assertEquals(device.counters.dropsIn + device.counters.dropsOut, 0);
        for (const reader of readers) reader.stop();
        for (const device of devices) device.close();
      },
    });
  }
}

Deno.test({
  name: `a segmented datagram reaches the guest as its segments${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await makeGuest("tap");
    const device = await openDevice(namespace, true);
    await using poller = begunPoller();
    const frame = new Frame(allocate(FRAME_SIZE));
    const socket = guestSocket(namespace, "10.9.0.2");
    assert(socket.addr.transport === "udp");
    // Its frame is the model for one of 3 times 1000 bytes, which the guest's kernel segments.
    await socket.send(new Uint8Array(1000), { transport: "udp", hostname: "10.9.0.1", port: 7 });
    const udp = await readDatagram(device, poller, frame, socket.addr.port);
    const out = new Transmit(allocate);
    turnAround(frame, device, out, true, 1);
    const payload = allocate(3000);
    payload.bytes.fill(1, 0, 1000).fill(2, 1000, 2000).fill(3, 2000, 3000);
    out.partCount = out.payloadLength = 0;
    out.addPart(payload, 0, 1500);
    out.addPart(payload, 1500, 1500);
    const ip = out.headEnd - 28;
    const head = out.head.bytes;
    head.set([3028 >> 8, 3028 & 0xff], ip + 2);
    head.set([0, 0], ip + 10);
    const ipSum = 0xffff - sum(head, ip, ip + 20);
    head.set([ipSum >> 8, ipSum & 0xff], ip + 10);
    head.set([3008 >> 8, 3008 & 0xff], ip + 24);
    const pseudo = pseudoSum(head, ip, 17, 3008);
    head.set([pseudo >> 8, pseudo & 0xff], ip + 26);
    out.segmentation = Segmentation.Udp;
    out.segmentSize = 1000;
    assertEquals(device.transmit(out), true);
    for (const value of [1, 2, 3]) {
      const [data] = await socket.receive(new Uint8Array(65536));
      assertEquals({ length: data.length, first: data[0], last: data[999] }, {
        length: 1000,
        first: value,
        last: value,
      });
    }
    assertEquals(frame.bytes[udp + 8], 0);
    socket.close();
    device.close();
  },
});

for (const kind of ["tap", "tun"] as const) {
  Deno.test({
    name: `a ${kind} that is down loses frames, a deleted ${kind} is an error${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      await using namespace = await makeGuest(kind);
      const device = await openDevice(namespace, true);
      await using poller = begunPoller();
      const frame = new Frame(allocate(FRAME_SIZE));
      const out = new Transmit(allocate);
      const socket = guestSocket(namespace, "10.9.0.2");
      assert(socket.addr.transport === "udp");
      await socket.send(new Uint8Array(10), { transport: "udp", hostname: "10.9.0.1", port: 7 });
      await readDatagram(device, poller, frame, socket.addr.port);
      turnAround(frame, device, out, true, 1);

      await namespace.ip("link set tt0 down");
      while (device.read(frame)); // frames queued before; then none, and no error
      assertEquals(device.transmit(out), false);
      assertEquals(device.counters.dropsOut, 1);
      await namespace.ip("link set tt0 up");
      assertEquals(device.transmit(out), true);
      assertEquals((await socket.receive())[0].length, 10);
      while (device.read(frame));

      const gone = Promise.withResolvers<Error>();
      const pool = new FramePool(allocate);
      new FrameReader({
        source: device,
        fd: device.fd,
        poller,
        pool,
        receive: () => {},
        endOfTurn: () => {},
        onError: gone.resolve,
      });
      await namespace.ip("link del tt0");
      const error = await gone.promise;
      assert(error instanceof SystemError);
      assertFields(error, { syscall: "read", code: "EBADFD", subject: "tt0" });
      assertEquals(device.transmit(out), false);
      assertEquals(device.counters.dropsOut, 2);
      assertEquals(pool.taken, 0);
      socket.close();
      device.close();
      assertThrows(() => device.read(frame), SystemError);
      assertEquals(device.transmit(out), false);
      device.close();
    },
  });
}
