import { assertEquals } from "../../assert.ts";
import {
  putUdp,
  UDP_CHECKSUM,
  udpChecksum,
  udpDestinationPort,
  udpLength,
  udpSourcePort,
} from "../../../stack/wire/udp.ts";
import { put16 } from "../../../stack/base/bytes.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";

const DATAGRAM = hex("9a2b 0035 000d eb02 68656c6c6f"); // 39467 > 53, length 13, checksum, "hello"

Deno.test("a header, dissected and built", () => {
  assertEquals(udpSourcePort(DATAGRAM, 0), 39_467);
  assertEquals(udpDestinationPort(DATAGRAM, 0), 53);
  assertEquals(udpLength(DATAGRAM, 0), 13);
  assertEquals(udpChecksum(DATAGRAM, 0), 0xeb02);
  const built = DATAGRAM.slice().fill(0xee, 0, 8);
  putUdp(built, 0, 39_467, 53, 13);
  assertEquals(udpChecksum(built, 0), 0);
  put16(built, UDP_CHECKSUM, 0xeb02);
  assertEquals(toHex(built), toHex(DATAGRAM));
});
