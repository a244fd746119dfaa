/**
 * Rules for names to fuzz under, with what may leave and where flows may end, written without the program's own code:
 * the names and addresses are known beforehand.
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="@types/dns-packet"
import dnsPacket from "dns-packet";
import { Egress } from "../../forward/egress/egress.ts";
import type { Limits } from "../../forward/limits/limits.ts";
import { readRuleList } from "../../forward/policy/names/rule_list.ts";
import { OwnAddresses } from "../../forward/policy/names/own_addresses.ts";
import type { Policy } from "../../forward/policy/policy.ts";
import { IpAddress } from "../../stack/base/address.ts";
import { checksummed, GUEST6, hex, ipv4, ipv6, udp } from "../lab/packets.ts";

const RULES_TEXT = [
  "tcp://open.example:1-65535,udp://open.example:1-65535",
  "tcp://shut.example:1-65535,udp://shut.example:1-65535",
  "tcp://asked.example:80,udp://asked.example:53-60000",
  "tcp://*.w.example:80,dns://asked.example?type=TXT,!no.w.example",
].join(",");

/** Addresses that names of rules lead to and may be used, and such that may not. */
const GOOD = ["203.0.113.7", "2001:db8::77"];
const BAD = ["127.0.0.1", "169.254.169.254", "192.168.1.1", "10.0.2.100", "::1", "64:ff9b::7f00:1", "2002:c0a8:101::1"];

/** The names that the host itself defines are no exception here: these stand for what name servers say. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "open.example": [...BAD, ...GOOD],
  "shut.example": BAD,
};

/** Names with own addresses from the start. */
const CLAIMED = ["open.example", "shut.example", "asked.example", "n.w.example"];

/** Every name that a question may leave for. */
const MAY_LEAVE = /^(asked|([a-z0-9_-]+\.)+w)\.example$/;

/** Whether flows to names may end there. */
export function isGood(address: IpAddress): boolean {
  return GOOD.includes(address.toString());
}

/** The fault of a message to a name server of the host; null: none. */
export function wrongQuestion(bytes: Uint8Array): string | null {
  const { questions = [], answers = [], authorities = [], additionals = [] } = dnsPacket.decode(Buffer.from(bytes));
  const [question, ...others] = questions;
  if (question === undefined || others.length + answers.length + authorities.length > 0) return "not one question";
  if (!MAY_LEAVE.test(question.name) || question.name === "no.w.example") return `a question for ${question.name}`;
  if (!["A", "AAAA"].includes(question.type) && !(question.type === "TXT" && question.name === "asked.example")) {
    return `a question for ${question.type} of ${question.name}`;
  }
  const again = dnsPacket.encode({ type: "query", id: bytes[0] << 8 | bytes[1], flags: 0x100, questions, additionals });
  return again.equals(bytes) && additionals.length === 1 && bytes.length < 300 ? null : "more than a question";
}

/** An answer of a name server, with an address that may be used or one that may not. */
export function someAnswer(question: Uint8Array, below: (limit: number) => number): Uint8Array {
  const { id, questions } = dnsPacket.decode(Buffer.from(question));
  const [{ name, type }] = questions!;
  const all = [...GOOD, ...GOOD, ...BAD].filter((address) => address.includes(":") === (type === "AAAA"));
  const answers = [{ type: type as "A", name, ttl: below(100), data: all[below(all.length)] }];
  const flags = [0x180, 0x180, 0x180, 0x183, 0x182, 0x380][below(6)];
  if (type === "TXT") return dnsPacket.encode({ type: "response", id: id!, flags, questions: questions! });
  return dnsPacket.encode({ type: "response", id: id!, flags, questions: questions!, answers });
}

/** Egress by these rules. */
export async function fuzzedEgress(
  policy: Policy,
  limits: Limits,
  now: () => number,
  names: "own" | "real",
): Promise<Egress> {
  const egress = new Egress({
    rules: await readRuleList(RULES_TEXT),
    allow: [],
    deny: [],
    policy,
    local: {
      has: () => false,
      addresses: (name) => KNOWN[name]?.map((address) => IpAddress.parse(address)) ?? null,
    },
    now,
    leastTtl: 5_000,
    names,
    limits,
    refused: () => {},
  });
  const all = [...GOOD, ...BAD].map((address) => IpAddress.parse(address));
  for (const name of CLAIMED) egress.naming.tell(name, 1, all, 1_000_000);
  return egress;
}

/** Rules that are there from the middle of a run on: fewer than before. */
export function fewerRules(): Promise<Awaited<ReturnType<typeof readRuleList>>> {
  return readRuleList("udp://open.example:1-65535,tcp://asked.example:80");
}

/** Packets to own addresses, and questions for names with rules and without. */
export const NAME_SEEDS: readonly Uint8Array[] = [
  ...CLAIMED.flatMap((name, index) => {
    const { address4, address6 } = new OwnAddresses(CLAIMED.length).claim(name)!;
    const four = [...address4.bytes], six = toHex(address6.bytes);
    return [
      ipv4({ protocol: 6, destination: four }, syn(toHex(address4.bytes), `c30${index}`)),
      ipv6(6, syn(six, `c40${index}`), GUEST6, six),
      ipv4({ protocol: 17, destination: four }, udp(7000 + index, 80, [1, 2, 3])),
      ipv6(17, checksummed(udp(7000 + index, 80, [1, 2, 3]), 6, 17, GUEST6, six), GUEST6, six),
    ];
  }),
  // to real addresses of names
  ...[...GOOD, ...BAD].map((text) => IpAddress.parse(text)).flatMap(({ version, bytes }, index) => {
    const to = toHex(bytes);
    return version === 4
      ? [
        ipv4({ protocol: 6, destination: [...bytes] }, syn(to, `c50${index}`)),
        ipv4({ protocol: 17, destination: [...bytes] }, udp(7200 + index, 80, [1, 2, 3])),
      ]
      : [ipv6(6, syn(to, `c60${index}`), GUEST6, to)];
  }),
  ipv4({ protocol: 6, destination: [198, 18, 0, 9] }, syn("c6120009", "c390")),
  ...["asked", "a.w", "b.w", "no.w", "secret.evil", "open"].flatMap((label) =>
    (["A", "AAAA", "TXT", "HTTPS"] as const).map((type, index) => {
      const name = `${label}.example`;
      const bytes = dnsPacket.encode({ type: "query", id: 7, flags: 0x100, questions: [{ type: type as "A", name }] });
      return ipv4({ protocol: 17, destination: [8, 8, 8, index] }, udp(7100, 53, [...bytes]));
    })
  ),
];

function syn(destination: string, source: string): Uint8Array {
  const text = `${source} 0050 00000001 00000000 a002 faf0 0000 0000 020405b4 0402 080a 00000001 00000000 01 030307`;
  return checksummed(hex(text), 16, 6, destination.length === 8 ? "0a000264" : GUEST6, destination);
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
