/**
 * Policies to fuzz under, and a second opinion about what each permits, written from the documentation with a library
 * for addresses. It shares no code with the program's own.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { parseRanges } from "../../forward/policy/range.ts";
import { Policy } from "../../forward/policy/policy.ts";
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";

/** Ranges as on the command line, and the two switches. */
interface Rules {
  readonly allow: string;
  readonly deny: string;
  readonly enableHost: boolean;
  readonly enableRouting: boolean;
}

/** Policies, some with exceptions right beside the addresses that frames are sent to. */
export const RULES: readonly Rules[] = [
  { allow: "", deny: "", enableHost: false, enableRouting: true },
  {
    allow: "udp://10.0.2.9:53,tcp://[2001:db8::]/32:80",
    deny: "tcp://198.51.100.0/24:81-443,udp://198.51.100.7:54-60000,udp://[2001:db8::]/120",
    enableHost: true,
    enableRouting: true,
  },
  {
    allow: "tcp://198.51.100.7:80,udp://198.51.100.7:53,udp://[2001:db8::7]:53",
    deny: "tcp://198.51.100.6",
    enableHost: false,
    enableRouting: false,
  },
];

const HOST_NETWORKS = ["192.168.0.0/16", "198.51.100.128/25", "fd77::/64"];
const NEVER = [
  ...["0.0.0.0/8", "10.0.2.0/24", "127.0.0.0/8", "255.255.255.255/32", "169.254.0.0/16", "224.0.0.0/4"],
  ...["::/96", "::ffff:0:0/96", "64:ff9b:1::/48", "fe80::/10", "ff00::/8"],
];
/** Prefixes with an IPv4 address in the last 32 bits, which decides. */
const TRANSLATED = ["64:ff9b::/96", "::ffff:0:0:0/96"];

type Address = ipaddr.IPv4 | ipaddr.IPv6;

function within(address: Address, cidr: string): boolean {
  const [network, bits] = ipaddr.parseCIDR(cidr);
  if (address instanceof ipaddr.IPv4) return network instanceof ipaddr.IPv4 && address.match(network, bits);
  return network instanceof ipaddr.IPv6 && address.match(network, bits);
}

/** `[NETWORK://]CIDR[:PORT[-PORT]]`, with brackets around an IPv6 address. */
function inRanges(text: string, network: string, address: Address, port: number): boolean {
  return text.split(",").filter((range) => range !== "").some((range) => {
    const match = /^(tcp|udp):\/\/\[?([0-9a-f.:]+?)\]?(\/\d+)?(?::(\d+)(?:-(\d+))?)?$/.exec(range);
    if (match === null) throw new SyntaxError(range);
    const [, of, base, bits = base.includes(":") ? "/128" : "/32", least = "0", most = match[4] ?? "65535"] = match;
    return of === network && port >= Number(least) && port <= Number(most) && within(address, base + bits);
  });
}

/** Whether the rules let the guest go there; pings have port 0. */
export function permitted(rules: Rules, network: "tcp" | "udp" | "icmp", { address, port }: Endpoint): boolean {
  const asked = ipaddr.fromByteArray([...address.bytes]);
  const meant = asked instanceof ipaddr.IPv6 && asked.isIPv4MappedAddress() ? asked.toIPv4Address() : asked;
  if (inRanges(rules.deny, network, meant, port)) return false;
  if (TRANSLATED.some((cidr) => within(asked, cidr))) {
    const behind = IpAddress.of(address.bytes.subarray(12));
    const opened = inRanges(rules.allow, network, meant, port);
    return permitted(opened ? { ...rules, enableRouting: true } : rules, network, { address: behind, port });
  }
  if (inRanges(rules.allow, network, meant, port)) return true;
  if (NEVER.some((cidr) => within(asked, cidr))) return false;
  return HOST_NETWORKS.some((cidr) => within(asked, cidr)) ? rules.enableHost : rules.enableRouting;
}

/** The program's policy for the rules. */
export async function policyFor(rules: Rules): Promise<Policy> {
  const ranges = (text: string) => text === "" ? [] : parseRanges(text, () => Promise.reject(new Error("a name")));
  return new Policy({
    allow: await ranges(rules.allow),
    deny: await ranges(rules.deny),
    enableHost: rules.enableHost,
    enableRouting: rules.enableRouting,
    hostNetworks: {
      contains: (address: IpAddress) =>
        HOST_NETWORKS.some((cidr) => within(ipaddr.fromByteArray([...address.bytes]), cidr)),
    },
  });
}
