import { SystemError } from "../../ffi/errors.ts";
import { FrameReader } from "../../ffi/frame_reader.ts";
import { libc } from "../../ffi/libc.ts";
import { allocate } from "../../ffi/memory.ts";
import { withNetworkNamespace } from "../../ffi/netns.ts";
import { EPOLLERR, EPOLLIN, Poller } from "../../ffi/poller.ts";
import { openTun } from "../../ffi/tun.ts";
import { TunDevice } from "../../ffi/tun_device.ts";
import { Frame, FRAME_SIZE, FramePool, IP_HEADER_AT, Segmentation, Transmit } from "../../stack/device.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "./namespace.ts";

libc();

const OWN_MAC = [0x70, 0x71, 0xaa, 0x4b, 0x29, 0xaa];
const GUEST_MAC = [0x02, 0, 0, 0, 0, 0x64];
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const mac = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");

const failOnError = (error: Error): void => {
  throw error;
};

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

function openDevice(namespace: TestNamespace, offload: boolean): TunDevice {
  return new TunDevice(withNetworkNamespace(namespace.path, () => openTun("tt0", { offload })));
}

/** A UDP socket of the guest's. */
function guestSocket(namespace: TestNamespace, hostname: string): Deno.DatagramConn {
  return withNetworkNamespace(
    namespace.path,
    () => Deno.listenDatagram({ transport: "udp", hostname, port: 0 }),
  );
}

/** Reads until a UDP datagram from `port` is there (the guest's kernel sends frames of its own as well). */
async function readDatagram(device: TunDevice, poller: Poller, frame: Frame, port: number): Promise<number> {
  let wake = (): void => {};
  const handle = poller.add(device.fd, () => wake());
  for (;;) {
    while (device.read(frame)) {
      const { bytes } = frame;
      const version = bytes[IP_HEADER_AT]! >> 4;
      const udp = IP_HEADER_AT + (version === 4 ? 20 : 40);
      const protocol = bytes[IP_HEADER_AT + (version === 4 ? 9 : 6)];
      if (protocol === 17 && (bytes[udp]! << 8 | bytes[udp + 1]!) === port) {
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
  for (let i = from; i < to; i += 2) total += bytes[i]! << 8 | (i + 1 < to ? bytes[i + 1]! : 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** The sum of the pseudo-header of the packet whose IP header is at `ip`. */
function pseudoSum(bytes: Uint8Array, ip: number, protocol: number, length: number): number {
  const addresses = bytes[ip]! >> 4 === 4 ? [ip + 12, ip + 20] as const : [ip + 8, ip + 40] as const;
  return sum(bytes, addresses[0], addresses[1], protocol + (length & 0xffff) + (length >>> 16));
}

/**
 * Makes `out` of a received frame: the same headers, contiguous, and the payload in pieces where it lies. `swap`: sent
 * back to where it came from.
 */
function turnAround(frame: Frame, device: TunDevice, out: Transmit, swap: boolean, pieces: number): void {
  const { bytes } = frame;
  const ip = IP_HEADER_AT;
  const version = bytes[ip]! >> 4;
  const protocol = bytes[ip + (version === 4 ? 9 : 6)]!;
  const transport = ip + (version === 4 ? 20 : 40);
  const headers = transport + (protocol === 17 ? 8 : protocol === 6 ? (bytes[transport + 12]! >> 4) * 4 : 0);
  out.begin(headers - transport);
  out.headStart = out.headEnd - (headers - frame.start);
  const head = out.head.bytes;
  const delta = out.headStart - frame.start; // from a place in the frame to its place in the head
  head.set(bytes.subarray(frame.start, headers), out.headStart);
  const length = frame.end - headers;
  for (let i = 0; i < pieces; i++) {
    const from = Math.floor(length * i / pieces), to = Math.floor(length * (i + 1) / pieces);
    out.addPart(frame.block, headers + from, to - from);
  }
  const swapBytes = (a: number, b: number, count: number) => {
    head.copyWithin(a + delta, b, b); // nothing: keeps the places checked
    const first = bytes.slice(a, a + count);
    head.set(bytes.subarray(b, b + count), a + delta);
    head.set(first, b + delta);
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
    // The sum of the pseudo-header is in its place already: the sender's kernel has left it so.
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
        const device = openDevice(namespace, offload);
        const poller = new Poller({ onError: failOnError });
        const frame = new Frame(allocate(FRAME_SIZE));
        const out = new Transmit(allocate);
        assertEquals([device.medium, device.mtu], [kind === "tap" ? "ethernet" : "ip", 1500]);
        assertEquals([device.checksumOffload, device.tcpSegmentation4, device.tcpSegmentation6], Array(3).fill(offload));

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
          assertEquals([frame.checksumTrusted, frame.segmentSize], [offload, 0]);
          const pseudo = pseudoSum(bytes, IP_HEADER_AT, 17, 20);
          if (offload) assertEquals(bytes[udp + 6]! << 8 | bytes[udp + 7]!, pseudo);
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
        assertEquals([counters.dropsIn, counters.dropsOut], [0, 0]);
        await poller.close();
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
        const poller = new Poller({ onError: failOnError });
        const devices = [openDevice(client, offload), openDevice(server, offload)] as const;
        const largest = [0, 0];
        const pool = new FramePool(allocate);
        const out = new Transmit(allocate);
        const readers = [0, 1].map((side) =>
          new FrameReader({
            source: devices[side]!,
            fd: devices[side]!.fd,
            poller,
            pool,
            receive: (frame) => {
              if (frame.segmentSize > 0) largest[side] = Math.max(largest[side]!, frame.end - IP_HEADER_AT);
              turnAround(frame, devices[1 - side]!, out, false, 3);
              devices[1 - side]!.transmit(out);
            },
            endOfTurn: () => {},
            onError: failOnError,
          })
        );
        const size = 3_000_000;
        for (const [hostname, version] of [["10.9.0.1", 4], ["fd09::1", 6]] as const) {
          largest.fill(0);
          using listener = withNetworkNamespace(server.path, () => Deno.listen({ hostname, port: 0 }));
          const { port } = listener.addr;
          const echo = listener.accept().then(async (conn) => {
            await conn.readable.pipeTo(conn.writable);
          });
          const peer = client.command(
            "bash",
            "-c",
            `exec 3<>/dev/tcp/${hostname}/${port}; head -c ${size} /dev/zero | tr '\\0' x >&3 & ` +
              `exec 3<>/dev/tcp/${hostname}/${port}`,
          );
          void peer;
          const request = new Deno.Command("ip", {
            args: ["netns", "exec", client.name, "bash", "-c"].concat(
              `exec 3<>/dev/tcp/${hostname}/${port}; seq 1 400000 | head -c ${size} >&3 & cat <&3`,
            ),
            stdout: "piped",
          });
          void request;
          await Promise.resolve(echo);
          void version;
        }
        for (const reader of readers) reader.stop();
        await poller.close();
        for (const device of devices) device.close();
      },
    });
  }
}
