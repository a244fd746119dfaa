/**
 * The values of flags: the type of each kind, and its parser.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../../../stack/base/address.ts";
import { DEFAULT_ADDRESSES, type StackAddresses } from "../../../stack/base/link_addresses.ts";
import { addressesIn, MAX_GUEST_PREFIX, networkOf } from "../../addresses/guest_configuration.ts";
import {
  parseServiceAddress,
  parseUnixAddress,
  type ServiceAddress,
  type UnixAddress,
} from "../../syntax/service_address.ts";
import { unmap } from "../../addresses/mapped.ts";
import { guardedResolver, type OwnNames } from "../../policy/name_guard.ts";
import { parseRanges, type Range } from "../../policy/range.ts";
import { isNeverRouted, neverRouted } from "../../policy/static_list.ts";
import { parseDuration } from "../../syntax/duration.ts";
import type { PreparedRule } from "../../policy/names/rule_list.ts";
import type { FlagDefault, FlagKind, FlagRow } from "./flag_row.ts";
import { type ForwardSpec, parseForward } from "../../syntax/forward_spec.ts";
import { Flag, parseBoolean } from "./go_flags.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { parseMacAddress } from "../../syntax/mac_address.ts";
import { parseInteger } from "../../syntax/numbers.ts";
import { readGuestPrefix } from "../../syntax/guest_prefix.ts";
import { lookUp, type Resolver } from "../../syntax/resolver.ts";

/** The ids of a user, its group, and its supplementary groups. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Looks up `USER[:GROUP]`. Throws an Error whose message is the reason. */
export type UserLookup = (text: string) => UserIds;

/** The lookups that the parsers need. */
export interface ValueContext {
  /** Resolves names in ranges and source addresses. */
  readonly resolve: Resolver;
  /** Names that may stand for addresses that are never routed. Not given: none. */
  readonly own?: OwnNames | undefined;
  /** The addresses on the link, which are defaults of forwards and never routed. Not given: the default ones. */
  readonly addresses?: StackAddresses | undefined;
  /** Not given: no user is known. */
  readonly findUser?: UserLookup | undefined;
}

/** The type of each kind's values. Null: the flag is not given. */
export interface KindValues {
  readonly boolean: boolean;
  readonly text: string;
  /** An empty path is the same as none. */
  readonly path: string | null;
  readonly choice: string | null;
  /** In ms. */
  readonly duration: number;
  /** In bytes. */
  readonly mtu: number;
  readonly pid: number | null;
  readonly limit: number;
  readonly integer: number | null;
  /** -1 is the same as none. */
  readonly descriptor: number | null;
  readonly spareDescriptor: number | null;
  readonly localForward: readonly ForwardSpec[];
  readonly remoteForward: readonly ForwardSpec[];
  readonly allowedRange: readonly Range[];
  readonly deniedRange: readonly Range[];
  readonly nameRule: readonly PreparedRule[];
  /** The addresses in the guest's IPv4 network. */
  readonly cidr: StackAddresses;
  readonly ipv4: IpAddress | null;
  readonly ipv6: IpAddress | null;
  readonly macAddress: Uint8Array | null;
  readonly metricsAddress: ServiceAddress | null;
  readonly unixAddress: UnixAddress | null;
  readonly user: UserIds | null;
}

/** The parser of one kind of values. */
interface ValueReader<T> {
  /** The value of a flag that is not given. */
  initial(byDefault: FlagDefault | undefined): T;
  /** Reads a value. Throws or rejects with an {@linkcode InvalidValue}. `before`: the value so far. */
  read(text: string, row: FlagRow, before: T): T | Promise<T>;
}

/** The parsers of all kinds. */
export type ValueReaders = { readonly [Kind in FlagKind]: ValueReader<KindValues[Kind]> };

/** A flag with the default of its row. */
export function makeFlag<Kind extends FlagKind>(
  row: FlagRow & { readonly kind: Kind },
  byDefault: FlagDefault | undefined,
  readers: ValueReaders,
): Flag<KindValues[Kind]> {
  const reader = readers[row.kind];
  return new Flag(
    reader.initial(byDefault),
    (text, before) => reader.read(text, row, before),
    row.kind === "boolean",
  );
}

/** Makes the parsers of all kinds. */
export function valueReaders(context: ValueContext): ValueReaders {
  const { resolve, own = NO_NAMES, findUser = noUsers, addresses = DEFAULT_ADDRESSES } = context;
  const never = (address: IpAddress) => isNeverRouted(address, neverRouted([networkOf(addresses)]));
  const guarded = guardedResolver(resolve, own, never);
  return {
    boolean: { initial: (byDefault) => byDefault === true, read: parseBoolean },
    text: { initial: String, read: (text) => text },
    path: { initial: none, read: (text) => text || null },
    choice: { initial: (byDefault) => byDefault === undefined ? null : String(byDefault), read: readChoice },
    duration: { initial: (byDefault) => parseDuration(String(byDefault)), read: parseDuration },
    mtu: { initial: Number, read: readMtu },
    pid: { initial: none, read: readPid },
    limit: { initial: Number, read: readLimit },
    integer: { initial: none, read: readInteger },
    descriptor: { initial: none, read: (text) => readDescriptor(text) },
    spareDescriptor: { initial: none, read: readSpareDescriptor },
    localForward: list((text) => [parseForward(text, "local", addresses)]),
    remoteForward: list((text) => [parseForward(text, "remote", addresses)]),
    allowedRange: list((text) => parseRanges(text, guarded)),
    deniedRange: list((text) => parseRanges(text, resolve)),
    nameRule: list(readRules),
    cidr: { initial: (byDefault) => readCidr(String(byDefault)), read: readCidr },
    ipv4: { initial: none, read: (text) => readAddress(text, 4, resolve) },
    ipv6: { initial: none, read: (text) => readAddress(text, 6, resolve) },
    macAddress: { initial: none, read: parseMacAddress },
    metricsAddress: { initial: none, read: parseServiceAddress },
    unixAddress: { initial: none, read: parseUnixAddress },
    user: { initial: none, read: (text) => readUser(text, findUser) },
  };
}

/** The default: no name is the host's own. */
const NO_NAMES: OwnNames = { has: () => false };

/** The default: no user can be looked up. */
function noUsers(): never {
  throw new Error("users can't be looked up here");
}

function none(): null {
  return null;
}

/** Each use of the flag adds to the list. */
function list<T>(parse: (text: string) => readonly T[] | Promise<readonly T[]>): ValueReader<readonly T[]> {
  return { initial: () => [], read: async (text, _row, before) => [...before, ...await parse(text)] };
}

/** The module is loaded only where there are such rules. The empty text is no rule: nothing is allowed then. */
async function readRules(text: string): Promise<readonly PreparedRule[]> {
  if (text === "") return [];
  const { readRuleList } = await import("../../policy/names/rule_list.ts");
  const { names, addresses } = await readRuleList(text);
  return [...names, ...addresses];
}

function readChoice(text: string, { choices = [] }: FlagRow): string {
  if (choices.includes(text)) return text;
  throw new InvalidValue(`must be one of ${choices.join(", ")}`);
}

function readLimit(text: string, { limit }: FlagRow): number {
  const value = parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
  if (limit === undefined || (value >= limit.least && value <= limit.most)) return value;
  throw new InvalidValue(`value out of range: must be ${limit.least} to ${limit.most}`);
}

/** The smallest MTU that IPv4 allows (RFC 791, section 3.2), and the largest that its length field can hold. */
const MIN_MTU = 68, MAX_MTU = 65535;

function readMtu(text: string): number {
  const mtu = parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
  if (mtu === 0 || (mtu >= MIN_MTU && mtu <= MAX_MTU)) return mtu;
  throw new InvalidValue(`value out of range: must be 0 or ${MIN_MTU} to ${MAX_MTU}`);
}

/** The bound of process ids: PID_MAX_LIMIT of linux/threads.h. */
const MAX_PID = 1 << 22;

function readPid(text: string): number {
  const pid = parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
  if (pid < 1 || pid > MAX_PID) throw new InvalidValue("not a process id");
  return pid;
}

/** The largest value of an integer flag. */
const MAX_INT32 = 0x7fff_ffff;

function readInteger(text: string): number {
  return parseInteger(text, -MAX_INT32 - 1, MAX_INT32);
}

/** The Go program's value for "not given". */
const NO_DESCRIPTOR = -1;

function readDescriptor(text: string, first = 0, reason = ""): number | null {
  const fd = readInteger(text);
  if (fd === NO_DESCRIPTOR) return null;
  if (fd < first) throw new InvalidValue(`value out of range${reason}`);
  return fd;
}

/** The first file descriptor that is no standard stream. */
const FIRST_SPARE = 3;

/** Refuses the standard streams: the program takes the descriptor over and closes it, and it still needs those. */
function readSpareDescriptor(text: string): number | null {
  return readDescriptor(
    text,
    FIRST_SPARE,
    `: must be ${FIRST_SPARE} or more, as 0, 1 and 2 are the standard streams`,
  );
}

/** The addresses in the network `A.B.C.D/N`. */
function readCidr(text: string): StackAddresses {
  const outcome = readGuestPrefix(text);
  switch (outcome.kind) {
    case "prefix":
      return addressesIn(outcome.prefix);
    case "length":
      throw new InvalidValue(`the length of the prefix must be 1 to ${MAX_GUEST_PREFIX}`);
    case "hostBits":
      throw new InvalidValue(`it has bits behind the prefix; the network is ${outcome.prefix}`);
    case "syntax":
      throw new InvalidValue("not an IPv4 network such as 10.0.2.0/24");
  }
}

/** An address of that version; a name stands for its first address. */
async function readAddress(text: string, version: IpVersion, resolve: Resolver): Promise<IpAddress> {
  const found = await lookUp(text, resolve);
  const address = found.map(unmap).find((address) => address.version === version);
  if (address === undefined) throw new InvalidValue(`not an IPv${version} address`);
  return address;
}

function readUser(text: string, findUser: UserLookup): UserIds {
  try {
    return findUser(text);
  } catch (error) {
    throw new InvalidValue(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
