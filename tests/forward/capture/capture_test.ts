import { OutputFile } from "../../../ffi/process/output_file.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { Capture } from "../../../forward/capture/capture.ts";
import { captureFrames, CapturingDevice } from "../../../forward/capture/capturing_device.ts";
import { FILE_HEADER, RECORD_HEADER } from "../../../forward/capture/pcap.ts";
import { allocatePlain, type Device, Frame, FRAME_SIZE, Transmit, TRANSPORT_AT } from "../../../stack/base/device.ts";
import { assert, assertEquals, assertStringIncludes } from "../../assert.ts";
import { isInstalled, needs } from "../../e2e/bed/installed.ts";
import {
  checksummed,
  concat,
  ethernet,
  GUEST6,
  hex,
  ipv4,
  ipv6,
  REMOTE6,
  toHex,
  udp,
  with16,
} from "../../../scripts/lab/packets.ts";
import { FakeSink, FakeTimers } from "./sink.ts";

libc();

const TCP = 6, UDP = 17;
/** The guest's and the other host's address in IPv4, as `ipv4` has them. */
const GUEST4 = "0a000264", REMOTE4 = "c6336407";

function setup(medium: Device["medium"] = "ip") {
  const sink = new FakeSink(), timers = new FakeTimers();
  const problems: string[] = [];
  const problem = (text: string) => problems.push(text);
  const capture = new Capture({ sink, medium, after: timers.after, atRest: timers.atRest, problem, clock: () => 0 });
  /** The packets in the sink, as hex. */
  const packets = () => {
    timers.fire();
    const found = [];
    for (let at = FILE_HEADER; at < sink.bytes.length;) {
      const length = sink.bytes[at + 10] << 8 | sink.bytes[at + 11];
      at += RECORD_HEADER;
      found.push(toHex(Uint8Array.from(sink.bytes.slice(at, at + length))));
      at += length;
    }
    return found;
  };
  return { sink, timers, problems, capture, packets };
}

function frameOf(bytes: Uint8Array, checksumTrusted = false): Frame {
  const frame = new Frame(allocatePlain(FRAME_SIZE));
  frame.bytes.set(bytes, frame.start);
  frame.end = frame.start + bytes.length;
  frame.checksumTrusted = checksumTrusted;
  return frame;
}

/** A frame to the guest: a head of `headLength` bytes, the transport's at its end, and parts of 1000 bytes each. */
function transmitOf(bytes: Uint8Array, headLength: number, transport = -1): Transmit {
  const transmit = new Transmit(allocatePlain);
  transmit.begin(0);
  transmit.headStart = TRANSPORT_AT - headLength;
  transmit.head.bytes.set(bytes.subarray(0, headLength), transmit.headStart);
  if (transport >= 0) transmit.checksumStart = transmit.headStart + transport;
  for (let at = headLength; at < bytes.length; at += 1000) {
    const part = bytes.subarray(at, at + 1000);
    const block = allocatePlain(part.length + 7);
    block.bytes.set(part, 7);
    transmit.addPart(block, 7, part.length);
  }
  return transmit;
}

const DATAGRAM = checksummed(udp(40_000, 53, [1, 2, 3]), 6, UDP, GUEST4, REMOTE4);

Deno.test("IP packets of a tun device, as they are", () => {
  const { capture, packets } = setup();
  const four = ipv4({ protocol: UDP }, DATAGRAM), six = ipv6(59, new Uint8Array(3));
  for (const bytes of [four, six, hex("00"), hex(""), hex("f0112233"), hex("45")]) capture.received(frameOf(bytes));
  assertEquals(packets(), [toHex(four), toHex(six), "45"]);
  assertEquals(capture.packets, 3);
});

Deno.test("without the Ethernet header, and with ARP as it is", () => {
  const { capture, packets } = setup("ethernet");
  const four = ipv4({ protocol: UDP }, DATAGRAM), six = ipv6(59, new Uint8Array(3));
  capture.received(frameOf(concat(ethernet(0x0800), four)));
  const arp = new Uint8Array(28).fill(0x45);
  capture.received(frameOf(concat(ethernet(0x0806), arp)));
  capture.received(frameOf(ethernet(0x0800)));
  capture.received(frameOf(hex("4545")));
  capture.received(frameOf(concat(ethernet(0x86dd), four)));
  capture.sent(transmitOf(concat(ethernet(0x0806), arp), 42));
  capture.sent(transmitOf(concat(ethernet(0x86dd), six), 54));
  assertEquals(packets(), [toHex(four), toHex(arp), toHex(arp), toHex(six)]);
});

Deno.test("a frame of many parts is one packet", () => {
  const { capture, packets } = setup("ethernet");
  const payload = Uint8Array.from({ length: 15_500 }, (_, i) => i % 251);
  const packet = ipv4({ protocol: 99 }, payload);
  capture.sent(transmitOf(concat(ethernet(0x0800), packet), 34));
  assertEquals(packets(), [toHex(packet)]);
});

/** TCP of the guest with a payload of that length, its checksum right. */
function segment(payload: number, source: string, destination: string): Uint8Array {
  const bytes = concat(hex("9c40 0050 00000001 00000002 5018 ffff 0000 0000"), new Uint8Array(payload).fill(0x61));
  return checksummed(bytes, 16, TCP, source, destination);
}

Deno.test("checksums that were left to the device are completed, both ways, also of large segments", () => {
  for (const length of [0, 1, 1000, 65_000]) {
    const four = ipv4({ protocol: TCP }, segment(length, GUEST4, REMOTE4));
    const six = ipv6(TCP, segment(length, GUEST6, REMOTE6));
    const routed = ipv6(60, concat([TCP, 0, 1, 4, 0, 0, 0, 0], segment(length, GUEST6, REMOTE6)));
    for (const [packet, transport] of [[four, 20], [six, 40], [routed, 48]] as const) {
      const partial = with16(packet, transport + 16, 0x1234);
      const { capture, packets } = setup();
      capture.received(frameOf(partial, true));
      capture.received(frameOf(partial));
      const head = Math.min(packet.length, transport + 20);
      if (packet.length - head <= 16_000) capture.sent(transmitOf(partial, head, transport));
      capture.sent(transmitOf(partial.subarray(0, transport + 20), transport + 20));
      const found = packets();
      assert(found[0] === toHex(packet), `received, ${length} bytes behind ${transport}`);
      assert(found[1] === toHex(partial), "one that the device does not vouch for stays");
      if (found.length === 4) assert(found[2] === toHex(packet), `sent, ${length} bytes behind ${transport}`);
      assert(found.at(-1) === toHex(partial.subarray(0, transport + 20)), "one that is complete stays");
    }
  }
});

Deno.test("UDP: a checksum of 0 stands for none in IPv4, and is never the result", () => {
  const none = ipv4({ protocol: UDP }, udp(40_000, 53, [1, 2, 3]));
  const { capture, packets } = setup();
  capture.received(frameOf(none, true));
  assertEquals(packets(), [toHex(none)]);
  // a word of data that is the checksum of all else makes the sum come out as 0
  const zero = checksummed(udp(40_000, 53, [0, 0]), 6, UDP, GUEST4, REMOTE4);
  const datagram = udp(40_000, 53, zero.subarray(6, 8));
  const bed = setup();
  bed.capture.received(frameOf(ipv4({ protocol: UDP }, with16(datagram, 6, 1)), true));
  assertEquals(bed.packets(), [toHex(ipv4({ protocol: UDP }, with16(datagram, 6, 0xffff)))]);
});

Deno.test("what has no transport header to complete stays as it is, whatever it claims", () => {
  const packets = [
    ipv4({ protocol: TCP, fragment: 0x2000 }, segment(100, GUEST4, REMOTE4)),
    ipv4({ protocol: UDP, fragment: 0x0010 }, DATAGRAM),
    ipv6(44, concat(hex("11 00 0001 00000001"), DATAGRAM)),
    ipv4({ protocol: 1 }, hex("0800 1111 0001 0001")),
    ipv4({ protocol: TCP }, hex("9c40 0050 00000001 00000002 5018 ffff 0000")),
    ipv4({ protocol: UDP }, DATAGRAM).subarray(0, 25),
    with16(ipv4({ protocol: UDP }, DATAGRAM), 2, 10),
    hex("41 00 00 14"),
    hex("60 00 00 00"),
    ipv6(UDP, DATAGRAM).subarray(0, 45),
  ];
  const { capture, packets: captured } = setup();
  for (const packet of packets) capture.received(frameOf(packet, true));
  assertEquals(captured(), packets.map(toHex));
});

Deno.test("around a device and before the stack", () => {
  const { capture, sink, packets } = setup();
  const packet = ipv4({ protocol: UDP }, DATAGRAM);
  let takes = (): boolean => true;
  const device: Device = {
    medium: "ip",
    mtu: 1400,
    checksumOffload: true,
    tcpSegmentation4: true,
    tcpSegmentation6: false,
    udpSegmentation: true,
    transmit: () => takes(),
  };
  const capturing = new CapturingDevice(device, capture);
  const shown: Omit<Device, "transmit"> = capturing;
  for (const [name, value] of Object.entries(device)) {
    if (name !== "transmit") assertEquals(Object.entries(shown).find(([other]) => other === name)?.[1], value, name);
  }
  const written: number[] = [];
  const send = () => capturing.transmit(transmitOf(packet, packet.length));
  takes = () => {
    written.push(sink.bytes.length);
    return true;
  };
  assertEquals(send(), true);
  assertEquals(written, [FILE_HEADER + RECORD_HEADER + packet.length], "in the file before the device has it");
  for (let i = 1; i < 17; i++) send();
  const before = capture.packets;
  takes = () => false;
  assertEquals(send(), false);
  assertEquals(capture.packets, before, "where many pass, one that the device drops is left out");
  const seen: string[] = [];
  const taker = captureFrames({
    receive: (frame) => {
      seen.push("frame");
      frame.bytes.fill(0); // the stack may do with it what it likes
    },
    endOfTurn: () => seen.push("end"),
  }, capture);
  taker.receive(frameOf(packet));
  taker.endOfTurn();
  assertEquals(seen, ["frame", "end"]);
  assertEquals(packets(), Array(18).fill(toHex(packet)));
});

Deno.test("problems are told once", () => {
  const { capture, sink, problems, timers } = setup();
  const frame = frameOf(ipv4({ protocol: UDP }, DATAGRAM));
  capture.received(frame);
  sink.room = 0;
  sink.error = new Error("write on x: No space left on device (ENOSPC)");
  timers.fire();
  capture.received(frame);
  capture.close();
  assertEquals(problems, ["The capture has ended: write on x: No space left on device (ENOSPC)"]);

  const slow = setup();
  slow.sink.room = 0;
  const large = frameOf(ipv4({ protocol: UDP }, new Uint8Array(60_000)));
  for (let i = 0; i < 100; i++) slow.capture.received(large);
  slow.capture.close();
  slow.capture.close();
  assert(slow.capture.dropped > 0);
  assertEquals(slow.problems, [
    `The capture lacks ${slow.capture.dropped} packets: it could not be written fast enough`,
  ]);
});

Deno.test({
  name: `tcpdump reads it, and finds nothing wrong${needs("tcpdump")}`,
  ignore: !isInstalled("tcpdump"),
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      const sink = OutputFile.create(path);
      const problems: string[] = [];
      const problem = (text: string) => problems.push(text);
      const capture = new Capture({ sink, medium: "ethernet", after: () => {}, atRest: () => {}, problem });
      const data = Uint8Array.from({ length: 2000 }, (_, i) => i % 251);
      const long = checksummed(udp(40_001, 9, data), 6, UDP, GUEST4, REMOTE4);
      const long6 = checksummed(udp(40_001, 9, data), 6, UDP, REMOTE6, GUEST6);
      const large = segment(65_000, GUEST4, REMOTE4), large6 = segment(15_000, REMOTE6, GUEST6);
      const four = ethernet(0x0800), six = ethernet(0x86dd);
      capture.received(frameOf(concat(four, ipv4({ protocol: UDP }, DATAGRAM))));
      capture.received(frameOf(concat(four, ipv4({ protocol: UDP, fragment: 0x2000 }, long.subarray(0, 1480)))));
      capture.received(frameOf(concat(four, ipv4({ protocol: UDP, fragment: 185 }, long.subarray(1480)))));
      capture.received(frameOf(concat(four, with16(ipv4({ protocol: TCP }, large), 36, 0xabcd)), true));
      capture.sent(transmitOf(concat(six, with16(ipv6(TCP, large6, REMOTE6, GUEST6), 56, 0xabcd)), 74, 54));
      const first = concat(hex("11 00 0001 00000077"), long6.subarray(0, 1200));
      const second = concat(hex("11 00 04b0 00000077"), long6.subarray(1200));
      capture.sent(transmitOf(concat(six, ipv6(44, first, REMOTE6, GUEST6)), 62));
      capture.sent(transmitOf(concat(six, ipv6(44, second, REMOTE6, GUEST6)), 62));
      capture.close();
      const reading = new Deno.Command("tcpdump", { args: ["-nnvvr", path], stdout: "piped", stderr: "piped" });
      const { code, stdout, stderr } = await reading.output();
      const text = new TextDecoder().decode(stdout), messages = new TextDecoder().decode(stderr);
      assertEquals(code, 0, `code: ${messages}`);
      assertEquals(problems, [], `problems: ${messages}`);
      assertStringIncludes(messages, "link-type RAW (Raw IP)");
      const lines = text.split("\n").filter((line) => /^\d\d:\d\d:\d\d\.\d{6} IP/.test(line));
      assertEquals(lines.length, 7, text);
      assertEquals(text.match(/cksum 0x[0-9a-f]{4} \(correct\)/g)?.length, 2, text);
      assert(!/incorrect|bad|truncated|\[\|/.test(text + messages), text + messages);
      for (const part of ["length 65000", "length 15000", "fd00::100", "frag (0x00000077:0|1200)", "offset 1480"]) {
        assertStringIncludes(text, part);
      }
    } finally {
      await Deno.remove(path);
    }
  },
});
