import { assert, assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import {
  isNdp,
  ndpTarget,
  putNeighbourMessage,
  putRouterAdvertisement,
  routerAdvertisementLength,
} from "../../../stack/wire/ndp.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";

// messages that a Linux kernel sent
const SOLICITATION = hex(`
  87 00 7afd 00000000                           # neighbour solicitation
  fd000000000000000000000000000050              # target fd00::50
  01 01 020000000100                            # source link-layer address
`);
const DETECTION = hex(`
  87 00 e628 00000000
  fd000000000000000000000000000100
  0e 01 76da8a628638                            # nonce (RFC 7527)
`);

Deno.test("neighbour solicitations of a kernel, dissected and built", () => {
  assert(isNdp(SOLICITATION, 0, SOLICITATION.length));
  assert(isNdp(DETECTION, 0, DETECTION.length));
  assertEquals(IpAddress.at(SOLICITATION, ndpTarget(0), 6).toString(), "fd00::50");
  const built = new Uint8Array(32).fill(0xee);
  putNeighbourMessage(built, 0, 135, 0, IpAddress.parse("fd00::50"), hex("020000000100"));
  assertEquals(toHex(built), toHex(SOLICITATION).replace("7afd", "0000"));
});

Deno.test("a router advertisement, built", () => {
  const bytes = new Uint8Array(32).fill(0xee);
  const plain = {
    hopLimit: 64,
    lifetime: 1800,
    otherConfiguration: false,
    mac: hex("7071aa4b29aa"),
    mtu: 1500,
    validLifetime: 0,
    preferredLifetime: 0,
  };
  const message = { ...plain, prefix: null, nameServers: [], searchDomains: new Uint8Array() };
  assertEquals(routerAdvertisementLength(message), bytes.length);
  putRouterAdvertisement(bytes, 0, message);
  assertEquals(
    toHex(bytes),
    toHex(hex(`
      86 00 0000                  # router advertisement, checksum to come
      40 00 0708 00000000 00000000  # hop limit 64, no flags, 1800 s, times not specified
      01 01 7071aa4b29aa          # source link-layer address
      05 01 0000 000005dc         # MTU 1500
    `)),
  );
});

Deno.test("a router advertisement with every option, built", () => {
  const message = {
    hopLimit: 64,
    lifetime: 1800,
    otherConfiguration: true,
    mac: hex("7071aa4b29aa"),
    mtu: 65521,
    validLifetime: 2_592_000,
    preferredLifetime: 604_800,
    prefix: IpAddress.parse("fd00::2"),
    nameServers: ["fd00::3", "2001:db8::53"].map((text) => IpAddress.parse(text)),
    searchDomains: hex("01610162 00"),
  };
  const bytes = new Uint8Array(routerAdvertisementLength(message)).fill(0xee);
  putRouterAdvertisement(bytes, 0, message);
  assertEquals(
    toHex(bytes),
    toHex(hex(`
      86 00 0000
      40 40 0708 00000000 00000000          # other configuration by DHCP
      01 01 7071aa4b29aa
      05 01 0000 0000fff1
      03 04 40 c0                           # prefix of 64 bits, on link, autonomous
      00278d00 00093a80 00000000            # valid for 30 days, preferred for 7
      fd000000000000000000000000000000      # without the bits behind the prefix
      19 05 0000 00000708                   # name servers for 1800 s
      fd000000000000000000000000000003
      20010db8000000000000000000000053
      1f 02 0000 00000708                   # search domains for 1800 s
      0161 0162 00 000000                   # a.b, padded
    `)),
  );
});

Deno.test("malformed neighbour discovery messages are refused", () => {
  const change = (at: number, value: number, length = SOLICITATION.length) => {
    const copy = SOLICITATION.slice();
    copy[at] = value;
    return isNdp(copy, 0, length);
  };
  assert(!change(1, 1)); // code
  assert(!change(8, 0xff)); // a multicast target
  assert(!change(25, 0)); // an option without length (RFC 4861, section 4.6)
  assert(!change(25, 2)); // an option past the end
  assert(!isNdp(SOLICITATION, 0, 23));
  assert(!isNdp(SOLICITATION, 0, 25));
  assert(isNdp(SOLICITATION, 0, 24));
  assert(!isNdp(hex("8500792e000000"), 0, 7));
  assert(isNdp(hex("8500792e000000000101020000000100"), 0, 16));
});
