import { assertEquals } from "../../assert.ts";
import { isMapped, unmap } from "../../../forward/addresses/mapped.ts";
import { IpAddress } from "../../../stack/base/address.ts";

Deno.test("only ::ffff:0:0/96 is mapped", () => {
  const cases: [string, string][] = [
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::ffff:0.0.0.0", "0.0.0.0"],
    ["::ffff:0:10.0.0.1", "::ffff:0:a00:1"],
    ["::10.0.0.1", "::a00:1"],
    ["1::ffff:10.0.0.1", "1::ffff:a00:1"],
    ["::fffe:10.0.0.1", "::fffe:a00:1"],
    ["::1:ffff:10.0.0.1", "::1:ffff:a00:1"],
    ["10.0.0.1", "10.0.0.1"],
  ];
  for (const [text, shown] of cases) {
    const address = IpAddress.parse(text);
    assertEquals(unmap(address).toString(), shown, text);
    assertEquals(isMapped(address.bytes), unmap(address) !== address, text);
  }
});
