import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";
import { parseMacAddress } from "../../../forward/syntax/mac_address.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

Deno.test("six bytes in hexadecimal", () => {
  assertEquals([...parseMacAddress("52:54:00:12:34:56")], [0x52, 0x54, 0, 0x12, 0x34, 0x56]);
  assertEquals([...parseMacAddress("2:0:0:A:b:ff")], [2, 0, 0, 10, 11, 255]);
});

Deno.test("an address that no device can have is refused", () => {
  for (
    const text of ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "52-54-00-12-34-56", "525400123456", "5g:0:0:0:0:0"]
  ) {
    assertEquals(
      assertThrows(() => parseMacAddress(text), InvalidValue).message,
      "not a MAC address, such as 52:54:00:12:34:56",
      text,
    );
  }
  for (const text of ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"]) {
    assertEquals(assertThrows(() => parseMacAddress(text), InvalidValue).message, "the address of a group of devices");
  }
  assertEquals(assertThrows(() => parseMacAddress("0:0:0:0:0:0"), InvalidValue).message, "no device has this address");
});
