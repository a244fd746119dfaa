/**
 * The grammar of rules, in `-only` and in the policy file.
 *
 *     RULE = ["!"] [KIND "://"] (NAME | "*." NAME | ADDRESS | CIDR) [":" PORT ["-" PORT]] ["?" OPTIONS] | ["!"] "@" PRESET
 *     KIND = tls | http | quic | tcp | udp | dns
 *
 * | written | means |
 * | --- | --- |
 * | `api.example.com` | TLS with that name on TCP port 443, and QUIC with it on UDP port 443 |
 * | `api.example.com?quic=off` | TLS alone |
 * | `api.example.com?ech=on` | the ClientHello may have an encrypted part (ECH), with which the outer name alone is judged |
 * | `api.example.com:80` | HTTP requests to that host |
 * | `api.example.com:8443` | whatever the flow shows, TLS or HTTP, must be that name; if it shows neither, it is raw |
 * | `tls://db.example.com:5432` | must begin with a ClientHello of that name; port 443 unless given |
 * | `http://deb.example.org` | every request must be to that host; port 80 unless given |
 * | `quic://www.example.com` | the Initial must have that name; port 443 unless given |
 * | `tcp://git.example.com:22`, `udp://` | the addresses of that name, any protocol; a port must be given |
 * | `dns://sip.example.com?type=SRV,TXT` | the name may be asked for, with these types too; it opens no flow |
 * | `*.example.com` | all names below example.com, not itself; an error at a public suffix, unless it is `*!.github.io` |
 * | `192.0.2.0/24:443` | a range, as in `-allow` |
 * | `!RULE` | denies; without a kind and a port it denies all kinds and ports, and the question for the name |
 * | `@npm` | the rules of a preset |
 *
 * @module
 */
import { IpAddress } from "../../../stack/base/address.ts";
import { splitParts } from "../../syntax/bracketed.ts";
import { quote } from "../../syntax/go_quote.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { ANY_PORT, parsePorts, type Range, type RangeNetwork, readPrefix } from "../range.ts";
import { canonicalName } from "./canonical.ts";
import { RECORD_TYPES } from "./record_types.ts";

/** The kind of a rule; `auto`: the rule names none, so the port decides. */
export type RuleKind = "auto" | "tls" | "http" | "quic" | "tcp" | "udp" | "dns";

/** The properties of all rules. */
interface RuleBase {
  /** The rule as lines and messages show it, in canonical form. */
  readonly text: string;
  /** Whether it refuses what it matches. */
  readonly deny: boolean;
  /** The time by the wall clock, in ms since 1970, from which the rule is void; null: it stays. */
  readonly until: number | null;
}

/** A rule about a name, or about all names below one. */
export interface NameRule extends RuleBase {
  readonly about: "name";
  /** In the form of canonical.ts, without the `*.` of a wildcard. */
  readonly name: string;
  /** The name as it was written, if that is in another script; null: it is ASCII. */
  readonly turnedFrom: string | null;
  /** Whether it is about the names below `name`, and not about `name`. */
  readonly wildcard: boolean;
  /** Whether the user has allowed the wildcard to be at a public suffix (`*!.`). */
  readonly anySuffix: boolean;
  readonly kind: RuleKind;
  /** The first and the last port, both included; of `dns`, and of `!NAME`, all. */
  readonly minPort: number;
  readonly maxPort: number;
  /** Of `!NAME` alone: it denies all kinds, and the question. */
  readonly whole: boolean;
  /** Whether `auto` opens QUIC on port 443. */
  readonly quic: boolean;
  /** Whether a ClientHello may have an encrypted part. */
  readonly ech: boolean;
  /** The types of records that may be asked for, besides addresses. */
  readonly types: readonly number[];
}

/** A rule about addresses. */
export interface AddressRule extends RuleBase {
  readonly about: "addresses";
  readonly ranges: readonly Range[];
}

/** A rule that stands for those of a preset. */
export interface PresetRule extends RuleBase {
  readonly about: "preset";
  /** Without the `@`. */
  readonly preset: string;
}

/** A rule. */
export type Rule = NameRule | AddressRule | PresetRule;

const KINDS = ["tls", "http", "quic", "tcp", "udp", "dns"] as const;

/** The port of a kind where the rule has none. Raw kinds have no such port. */
const DEFAULT_PORTS: Readonly<Partial<Record<RuleKind, number>>> = { auto: 443, tls: 443, http: 80, quic: 443 };

const DNS_PORT = 53;

/** Reads rules separated by commas. Throws an {@linkcode InvalidValue} about the first that is wrong. */
export function parseRules(text: string): readonly Rule[] {
  return splitRules(text).map((rule) => parseRule(rule));
}

/** Reads one rule. Throws an {@linkcode InvalidValue}. */
export function parseRule(text: string, until: number | null = null): Rule {
  const deny = text.startsWith("!");
  const body = deny ? text.slice(1) : text;
  if (body.startsWith("@")) return parsePreset(body.slice(1), deny, until);
  const { kind, rest } = splitKind(body);
  const question = rest.indexOf("?");
  const options = question < 0 ? null : rest.slice(question + 1);
  const parts = splitParts(question < 0 ? rest : rest.slice(0, question));
  if (parts.length > 2) throw new InvalidValue(`too many colons in ${quote(rest)}, IPv6 needs brackets`);
  const [host = "", port] = parts;
  if (host === "") throw new InvalidValue("a name or an address is missing");
  if (host.includes("/") || IpAddress.tryParse(host) !== null) {
    if (options !== null) throw new InvalidValue(`${quote(`?${options}`)} belongs to a name, not to an address`);
    return parseAddresses(host, kind, port, deny, until);
  }
  return parseName(host, kind, port, options, deny, until);
}

/** Splits at each comma, except those between the types of a `dns` rule. */
function splitRules(text: string): string[] {
  const rules: string[] = [];
  for (const part of text.split(",")) {
    const last = rules.at(-1);
    if (last !== undefined && /\?type=[A-Z,]*$/.test(last) && Object.hasOwn(RECORD_TYPES, part)) {
      rules[rules.length - 1] = `${last},${part}`;
    } else rules.push(part);
  }
  return rules;
}

function splitKind(text: string): { readonly kind: RuleKind; readonly rest: string } {
  const end = text.indexOf("://");
  if (end < 0) return { kind: "auto", rest: text };
  const word = text.slice(0, end), kind = KINDS.find((one) => one === word);
  if (kind === undefined) throw new InvalidValue(`unknown kind ${quote(word)}: it is one of ${KINDS.join(", ")}`);
  return { kind, rest: text.slice(end + 3) };
}

function parsePreset(preset: string, deny: boolean, until: number | null): PresetRule {
  return { about: "preset", text: `${deny ? "!" : ""}@${preset}`, deny, until, preset };
}

function parseAddresses(
  host: string,
  kind: RuleKind,
  port: string | undefined,
  deny: boolean,
  until: number | null,
): AddressRule {
  const [minPort, maxPort] = port === undefined ? ANY_PORT : parsePorts(port);
  const prefix = readPrefix(host);
  // to deny an address is to deny it over either network, unless one was named
  const networks: readonly RangeNetwork[] = kind === "auto" ? (deny ? ["tcp", "udp"] : ["tcp"]) : rawNetworks(kind);
  const shownHost = host.includes(":") ? `[${host}]` : host;
  const shownPort = port === undefined ? "" : `:${portText(minPort, maxPort)}`;
  const shownKind = kind === "auto" ? "" : `${kind}://`;
  return {
    about: "addresses",
    text: `${deny ? "!" : ""}${shownKind}${shownHost}${shownPort}`,
    deny,
    until,
    ranges: networks.map((network) => ({ network, prefix, minPort, maxPort })),
  };
}

function rawNetworks(kind: RuleKind): readonly RangeNetwork[] {
  if (kind === "tcp" || kind === "udp") return [kind];
  throw new InvalidValue(`${kind}:// needs a name: an address is opened by tcp:// or udp://`);
}

function parseName(
  host: string,
  kind: RuleKind,
  port: string | undefined,
  options: string | null,
  deny: boolean,
  until: number | null,
): NameRule {
  const { name, turnedFrom, wildcard, anySuffix } = splitWildcard(host);
  const whole = deny && kind === "auto" && port === undefined;
  const [minPort, maxPort] = readPorts(kind, port, whole);
  if (!deny && kind !== "dns" && minPort === DNS_PORT && maxPort === DNS_PORT) {
    throw new InvalidValue("port 53 is the program's name server, whatever the address");
  }
  const { types, quic, ech } = readOptions(options, kind);
  const prefix = wildcard ? (anySuffix ? "*!." : "*.") : "";
  const shownPort = whole || kind === "dns" || port === undefined ? "" : `:${portText(minPort, maxPort)}`;
  const shownKind = kind === "auto" ? "" : `${kind}://`;
  return {
    about: "name",
    text: `${deny ? "!" : ""}${shownKind}${prefix}${name}${shownPort}${options === null ? "" : `?${options}`}`,
    ...{ deny, until, name, turnedFrom, wildcard, anySuffix, kind, minPort, maxPort, whole, quic, ech, types },
  };
}

function splitWildcard(host: string) {
  const [, mark = "", rest = ""] = /^(\*!?\.)?(.*)$/s.exec(host) ?? [];
  if (rest.includes("*")) {
    throw new InvalidValue(`in ${quote(host)}, * can only be the whole first label: *.example.com`);
  }
  const turnedFrom = /[^\0-\x7f]/.test(rest) ? rest : null;
  return { name: canonicalName(rest), turnedFrom, wildcard: mark !== "", anySuffix: mark === "*!." };
}

function readPorts(kind: RuleKind, port: string | undefined, whole: boolean): readonly [number, number] {
  if (kind === "dns" && port !== undefined) throw new InvalidValue("dns:// takes no port");
  if (kind === "dns" || whole) return ANY_PORT;
  if (port !== undefined) {
    const [min, max] = parsePorts(port);
    if (min === 0) throw new InvalidValue("with a name, port 0 opens nothing: write 1-65535 for all ports");
    return [min, max];
  }
  const byDefault = DEFAULT_PORTS[kind];
  if (byDefault === undefined) throw new InvalidValue(`${kind}:// and a name need a port`);
  return [byDefault, byDefault];
}

/** The options in `?KEY=VALUE&...` after a name. */
interface RuleOptions {
  types: readonly number[];
  quic: boolean;
  ech: boolean;
}

function readOptions(text: string | null, kind: RuleKind): RuleOptions {
  const options: RuleOptions = { types: [], quic: true, ech: false };
  for (const option of text?.split("&") ?? []) {
    const equals = option.indexOf("="), key = option.slice(0, Math.max(equals, 0)), value = option.slice(equals + 1);
    if (key === "quic" && value === "off" && kind === "auto") options.quic = false;
    else if (key === "ech" && value === "on" && HELLO_KINDS.includes(kind)) options.ech = true;
    else if (key === "type" && kind === "dns") options.types = value.split(",").map(readType);
    else {
      throw new InvalidValue(
        `unknown option ${quote(option)}: a name without a kind takes quic=off, one that is shown in a ClientHello ` +
          "ech=on, and dns://NAME type=TYPE",
      );
    }
  }
  return options;
}

/** The kinds whose flows may begin with a ClientHello. */
const HELLO_KINDS: readonly RuleKind[] = ["auto", "tls", "quic"];

function readType(word: string): number {
  const type = Object.hasOwn(RECORD_TYPES, word) ? RECORD_TYPES[word] : undefined;
  if (type !== undefined) return type;
  throw new InvalidValue(`unknown type ${quote(word)}: it is one of ${Object.keys(RECORD_TYPES).join(", ")}`);
}

function portText(min: number, max: number): string {
  return min === max ? `${min}` : `${min}-${max}`;
}
