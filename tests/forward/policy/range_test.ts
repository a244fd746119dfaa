import fc from "fast-check";
import { assertEquals, assertRejects } from "../../assert.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";
import { parseRanges, type PolicyNetwork, RangeList } from "../../../forward/policy/range.ts";
import { IpAddress } from "../../../stack/base/address.ts";

const hosts = new Map([
  ["one.example", ["192.0.2.1"]],
  ["both.example", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.9"]],
  ["none.example", []],
]);

function resolve(name: string): Promise<IpAddress[]> {
  const found = hosts.get(name);
  return found === undefined ? Promise.reject(new Error("no such host")) : Promise.resolve(found.map(IpAddress.parse));
}

async function show(text: string): Promise<string[]> {
  return (await parseRanges(text, resolve)).map(({ network, prefix, minPort, maxPort }) =>
    `${network} ${prefix} ${minPort}-${maxPort}`
  );
}

Deno.test("ranges: addresses, prefixes and names, with and without network and ports", async () => {
  const cases: [string, string[]][] = [
    ["192.168.1.100", ["tcp 192.168.1.100/32 0-65535"]],
    ["192.168.1.100:80", ["tcp 192.168.1.100/32 80-80"]],
    ["192.168.1.100:100-200", ["tcp 192.168.1.100/32 100-200"]],
    ["192.168.1.100:5-5", ["tcp 192.168.1.100/32 5-5"]],
    ["192.168.1.100:0-65535", ["tcp 192.168.1.100/32 0-65535"]],
    ["udp://10.0.0.1/8", ["udp 10.0.0.0/8 0-65535"]],
    ["0.0.0.0/0:53", ["tcp 0.0.0.0/0 53-53"]],
    ["tcp://[3ffe::100]", ["tcp 3ffe::100/128 0-65535"]],
    ["udp://[3ffe::100]:7-9", ["udp 3ffe::100/128 7-9"]],
    ["[fd00::1/8]:7", ["tcp fd00::/8 7-7"]],
    ["[fd00::1]/8:7", ["tcp fd00::/8 7-7"]],
    ["[::]/0", ["tcp ::/0 0-65535"]],
    ["one.example:443", ["tcp 192.0.2.1/32 443-443"]],
    ["udp://both.example", ["udp 192.0.2.1/32 0-65535", "udp 2001:db8::1/128 0-65535", "udp 192.0.2.9/32 0-65535"]],
    ["10.0.0.1,udp://10.0.0.2:5", ["tcp 10.0.0.1/32 0-65535", "udp 10.0.0.2/32 5-5"]],
  ];
  for (const [text, shown] of cases) assertEquals(await show(text), shown, text);
});

Deno.test("port 0 is any port, as in the Go program", async () => {
  assertEquals(await show("10.0.0.1:0"), ["tcp 10.0.0.1/32 0-65535"]);
  assertEquals(await show("10.0.0.1:0-0"), ["tcp 10.0.0.1/32 0-65535"]);
  assertEquals(await show("10.0.0.1:0-1"), ["tcp 10.0.0.1/32 0-1"]);
});

Deno.test("an IPv4-mapped range means IPv4", async () => {
  assertEquals(await show("[::ffff:10.1.2.3]"), ["tcp 10.1.2.3/32 0-65535"]);
  assertEquals(await show("[::ffff:10.1.2.3]/104"), ["tcp 10.0.0.0/8 0-65535"]);
  assertEquals(await show("[::ffff:0:0]/96"), ["tcp 0.0.0.0/0 0-65535"]);
  assertEquals(await show("[::ffff:0:0]/95"), ["tcp ::fffe:0:0/95 0-65535"]);
});

Deno.test("errors in ranges, in the Go program's words where it has some", async () => {
  const cases: [string, string][] = [
    ["one.example:a", 'strconv.ParseUint: parsing "a": invalid syntax'],
    ["nowhere.example:a", 'strconv.ParseUint: parsing "a": invalid syntax'],
    ["one.example:0-b", 'strconv.ParseUint: parsing "b": invalid syntax'],
    ["one.example:", 'strconv.ParseUint: parsing "": invalid syntax'],
    ["one.example:1-", 'strconv.ParseUint: parsing "": invalid syntax'],
    ["one.example:-1", 'strconv.ParseUint: parsing "": invalid syntax'],
    ["one.example:1-2-3", 'strconv.ParseUint: parsing "2-3": invalid syntax'],
    ["one.example:65536", 'strconv.ParseUint: parsing "65536": value out of range'],
    ["one.example:2-1", "min port must be smaller equal than max"],
    ["nowhere.example", "lookup nowhere.example: no such host"],
    ["notahost\u00f3", "lookup notahost\u00f3: no such host"],
    ["none.example", "lookup none.example: no such host"],
    ["1.2.3", "lookup 1.2.3: no such host"],
    ["01.2.3.4", "lookup 01.2.3.4: no such host"],
    ["0x7f.1", "lookup 0x7f.1: no such host"],
    ["10.0.0.0/33", "invalid CIDR address: 10.0.0.0/33"],
    ["one.example/24", "invalid CIDR address: one.example/24"],
    ["[fd00::]/129", "invalid CIDR address: fd00::/129"],
    ["fd00::1", 'error parsing ipportrange: too many colons in "fd00::1", IPv6 needs brackets'],
    ["[fd00::1", `missing ']' in "[fd00::1"`],
    ["icmp://10.0.0.1", 'unknown network type "icmp"'],
    ["", "an address is missing"],
    ["10.0.0.1,", "an address is missing"],
    [":80", "an address is missing"],
    ["10.0.0.1,one.example:2-1", "min port must be smaller equal than max"],
  ];
  for (const [text, message] of cases) {
    assertEquals((await assertRejects(() => parseRanges(text, resolve), InvalidValue)).message, message, text);
  }
});

async function contains(ranges: string, network: PolicyNetwork, address: string, port: number): Promise<boolean> {
  const { version, bytes } = IpAddress.parse(address);
  return new RangeList(await parseRanges(ranges, resolve)).contains(network, version, bytes, 0, port);
}

Deno.test("a list knows networks, versions and the ends of port ranges", async () => {
  const ranges = "10.0.0.0/8:100-200,udp://10.0.0.0/8,[fd00::]/8:53";
  const cases: [PolicyNetwork, string, number, boolean][] = [
    ["tcp", "10.1.2.3", 99, false],
    ["tcp", "10.1.2.3", 100, true],
    ["tcp", "10.1.2.3", 200, true],
    ["tcp", "10.1.2.3", 201, false],
    ["tcp", "11.1.2.3", 100, false],
    ["udp", "10.1.2.3", 1, true],
    ["udp", "10.1.2.3", 65535, true],
    ["tcp", "fd12::1", 53, true],
    ["tcp", "fd12::1", 54, false],
    ["udp", "fd12::1", 53, false],
    ["tcp", "a00::", 100, false],
  ];
  for (const [network, address, port, expected] of cases) {
    assertEquals(await contains(ranges, network, address, port), expected, `${network} ${address} ${port}`);
  }
});

Deno.test("ranges of hosts count for ICMP, ranges of services don't", async () => {
  assertEquals(await contains("10.0.0.0/8", "icmp", "10.1.2.3", 0), true);
  assertEquals(await contains("udp://10.0.0.0/8", "icmp", "10.1.2.3", 0), true);
  assertEquals(await contains("10.0.0.0/8:0-65535", "icmp", "10.1.2.3", 0), true);
  assertEquals(await contains("10.0.0.0/8:0-65534", "icmp", "10.1.2.3", 0), false);
  assertEquals(await contains("10.0.0.0/8:80,udp://10.0.0.0/8:53", "icmp", "10.1.2.3", 0), false);
  assertEquals(await contains("10.0.0.0/8", "icmp", "11.1.2.3", 0), false);
});

Deno.test("any text is a list of ranges or an InvalidValue", async () => {
  const piece = fc.constantFrom("tcp://", "udp://", "[", "]", ":", "::", "80", "10.0.0.1", "/8", "-", ",", "x");
  await fc.assert(fc.asyncProperty(fc.array(piece), async (pieces) => {
    try {
      await parseRanges(pieces.join(""), resolve);
    } catch (error) {
      assertEquals(error instanceof InvalidValue, true, String(error));
    }
  }));
});
