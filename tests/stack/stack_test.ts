import { assert, assertEquals, assertFields } from "../assert.ts";
import { IpAddress } from "../../stack/base/address.ts";
import { allocatePlain, type Device, type Frame, FramePool, IP_HEADER_AT } from "../../stack/base/device.ts";
import { Stack } from "../../stack/stack.ts";
import { checksummed, GUEST6, hex, ipv4, ipv6, toHex, udp } from "../../scripts/lab/packets.ts";
import { Bed } from "./bed.ts";

const DEVICE: Device = {
  ...{
    medium: "ip",
    mtu: 1500,
    checksumOffload: false,
    tcpSegmentation4: false,
    tcpSegmentation6: false,
    udpSegmentation: false,
  },
  transmit: () => true,
};

function frameOf(packet: Uint8Array, pool: FramePool): Frame {
  const frame = pool.take();
  frame.bytes.set(packet, IP_HEADER_AT);
  frame.end = IP_HEADER_AT + packet.length;
  return frame;
}

Deno.test("the clock is read once in a turn", () => {
  const frames = new FramePool(allocatePlain);
  let reads = 0;
  const stack = new Stack({
    device: DEVICE,
    frames,
    allocate: allocatePlain,
    random: () => 1,
    clock: () => 100 * ++reads,
    handlers: { tcpRequest: () => {}, udp: (datagram) => datagram.unreachable("port") },
  });
  const afterTcp = () => {
    const before = reads;
    for (let i = 0; i < 10; i++) stack.receive(frameOf(ipv4({ protocol: 17 }, udp(5000, 53, [1])), frames));
    const during = reads - before;
    stack.flush();
    return during;
  };
  assertEquals({ reads: afterTcp(), now: stack.now }, { reads: 1, now: 100 });
  assertEquals({ reads: afterTcp(), now: stack.now }, { reads: 1, now: 200 });
  assertEquals(stack.counters.icmp.errorsOut, 20);
});

Deno.test("a connection: asked for, accepted, echoed, and reset when the stack closes", () => {
  const bed = new Bed();
  const segment = (text: string) => ipv4({ protocol: 6 }, checksummed(hex(text), 16, 6, "0a000264", "c6336407"));
  bed.feed(segment("1388 0050 00000001 00000000 5002 ffff 0000 0000"));
  const [request] = bed.requests;
  assertEquals(`${request.guest.address} ${request.local.address} ${request.local.port}`, "10.0.2.100 198.51.100.7 80");
  assertEquals(bed.takeSent(), []);
  const events: unknown[] = [];
  const flow = request.accept({
    established: () => events.push("established"),
    readable: () => {},
    writable: () => {},
    closed: (failure) => events.push(failure),
  });
  bed.stack.flush();
  const synAck = bed.takeOne();
  assertEquals(synAck[33], 0x12, "flags: SYN and ACK");
  assertEquals(bed.stack.tcp.connections, 1, "connections");
  bed.feed(segment(`1388 0050 00000002 ${next(synAck)} 5018 ffff 0000 0000 6869`));
  assertEquals(events, ["established"]);
  assertEquals(flow?.readable, 2, "readable bytes");
  assert(bed.stack.nextDeadline < Infinity);
  bed.sent.length = 0;
  bed.stack.close();
  assert(bed.sent.some(({ bytes }) => (bytes[33] & 0x04) !== 0), "no RST");
  assertEquals(bed.stack.tcp.connections, 0);
});

/** The sequence number after a segment's SYN, as hex. */
function next(packet: Uint8Array): string {
  const sequence = new DataView(packet.buffer).getUint32(24);
  return ((sequence + 1) >>> 0).toString(16).padStart(8, "0");
}

Deno.test("a request that is refused, and one whose network is unreachable", () => {
  const syn = (port: string) => {
    const body = checksummed(hex(`1388 ${port} 00000001 00000000 5002 ffff 0000 0000`), 16, 6, GUEST6, GUEST6);
    return ipv6(6, body, GUEST6, GUEST6);
  };
  const bed = new Bed({
    tcpRequest: (request) => {
      if (request.local.port === 80) request.refuse();
      else request.unreachable("network");
    },
  });
  bed.feed(syn("0050"));
  const reset = bed.takeOne();
  assertEquals(reset[6], 6, "next header: TCP");
  assertEquals(reset[53], 0x14, "flags: RST and ACK");
  bed.feed(syn("0051"));
  const error = bed.takeOne();
  assertEquals(error[6], 58, "next header: ICMPv6");
  assertEquals(toHex(error.slice(40, 42)), "0100", "type and code");
  assertEquals(toHex(error.slice(48)), toHex(syn("0051")), "quotation");
});

Deno.test("other addresses than the usual", () => {
  const frames = new FramePool(allocatePlain);
  const stack = new Stack({
    device: DEVICE,
    frames,
    allocate: allocatePlain,
    random: () => 1,
    clock: () => 0,
    handlers: { tcpRequest: () => {}, udp: () => {} },
    addresses: { gateway4: IpAddress.parse("192.168.7.1"), broadcast4: IpAddress.parse("192.168.7.255") },
  });
  assertEquals(`${stack.addresses.gateway4}`, "192.168.7.1", "gateway");
  assertEquals(`${stack.addresses.guest4}`, "10.0.2.100", "guest");
  const send = (destination: number[]) => stack.receive(frameOf(ipv4({ protocol: 99, destination }, []), frames));
  send([192, 168, 7, 255]); // this network's broadcast address now
  assertEquals(stack.counters.icmp.errorsForbidden, 1);
  send([10, 0, 2, 255]);
  assertFields(stack.counters.icmp, { errorsForbidden: 1, errorsOut: 1 });
});

Deno.test("what of the limits is in use", () => {
  const limits = { tcp: { halfOpen: 1, bufferedBytes: 1000, outOfOrderBytes: 7 }, reassembly: { datagrams: 2 } };
  const bed = new Bed({ limits });
  const handler = { established() {}, readable() {}, writable() {}, closed() {} };
  for (const port of ["1388", "1389", "138a"]) {
    const syn = hex(`${port} 0050 00000001 00000000 5002 ffff 0000 0000`);
    bed.feed(ipv4({ protocol: 6 }, checksummed(syn, 16, 6, "0a000264", "c6336407")));
    bed.requests.pop()!.accept(handler);
  }
  for (const identification of [1, 2, 3]) {
    bed.feed(ipv4({ protocol: 17, identification, fragment: 0x2000 }, new Uint8Array(8)));
  }
  bed.feed(ipv6(44, hex("1100 0001 00000001 0000000000000000")));
  const { halfOpen, fragmentedDatagrams4, fragmentedDatagrams6, outOfOrderBytes, bufferedBytes } = bed.stack.usage;
  assertEquals(halfOpen, { current: 1, limit: 1, overflows: 2 });
  assertEquals(fragmentedDatagrams4, { current: 2, limit: 2, overflows: 1 });
  assertEquals(fragmentedDatagrams6, { current: 1, limit: 2, overflows: 0 });
  assertEquals(outOfOrderBytes.limit, 7, "limit of out-of-order bytes");
  assertEquals(bufferedBytes.limit, 2000, "limit of buffered bytes");
});
