import { libc } from "../../../ffi/libc/libc.ts";
import { sourceAddressTowards } from "../../../ffi/host/source_address.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";

libc();

Deno.test("the source address that the system chooses", () => {
  const towards = (address: string) => sourceAddressTowards({ address: IpAddress.parse(address), port: 53 });
  for (let i = 0; i < 2_000; i++) { // more often than the descriptor limit
    assertEquals(String(towards("127.0.0.1")), "127.0.0.1");
  }
  assertEquals(String(towards("127.9.9.9")), "127.0.0.1");
  assertEquals(String(towards("::1")), "::1");
  assertEquals(towards("255.255.255.255"), null); // not without SO_BROADCAST
});
