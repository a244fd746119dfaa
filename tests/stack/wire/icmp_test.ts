import { assert, assertEquals } from "../../assert.ts";
import { icmpCode, icmpNextHopMtu, icmpRest, icmpType, putEchoReply, putIcmp } from "../../../stack/wire/icmp.ts";
import { isIcmp4Error } from "../../../stack/wire/icmpv4.ts";
import { isIcmp6Error } from "../../../stack/wire/icmpv6.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";

const TOO_BIG = hex("0304 1234 0000 05dc"); // destination unreachable, fragmentation needed, MTU 1500

Deno.test("a header, dissected and built", () => {
  assertEquals(icmpType(TOO_BIG, 0), 3, "type");
  assertEquals(icmpCode(TOO_BIG, 0), 4, "code");
  assertEquals(icmpNextHopMtu(TOO_BIG, 0), 1500, "next-hop MTU");
  assertEquals(icmpRest(hex("0200 0000 ffffffff"), 0), 0xffffffff);
  const built = new Uint8Array(8).fill(0xee);
  putIcmp(built, 0, 3, 4, 1500);
  assertEquals(toHex(built), "03040000000005dc");
});

Deno.test("an echo reply has the identifier and the sequence number of the request", () => {
  const built = new Uint8Array(8).fill(0xee);
  putEchoReply(built, 0, 0, hex("ff 0800 c7c1 3e05 0001"), 1);
  assertEquals(toHex(built), "000000003e050001");
});

Deno.test("which ICMP types are errors", () => {
  const types = Array.from({ length: 256 }, (_, type) => type);
  assertEquals(types.filter(isIcmp4Error), [3, 4, 5, 11, 12]);
  assert(types.slice(0, 128).every(isIcmp6Error));
  assertEquals(types.slice(128).filter(isIcmp6Error), [137]);
});
