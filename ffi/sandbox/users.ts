/**
 * Looks up users and groups by name or number in the system's databases (getpwnam(3), getgrnam(3), getgrouplist(3)).
 *
 * @module
 */
import { EBADF, EINTR, ENOENT, EPERM, errnoText, ESRCH } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";

/** A user to become. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** The supplementary groups. */
  readonly groups: readonly number[];
}

/** There is no such user or group, or too little is known about it. The message names it. */
export class UnknownUser extends Error {
  override name = "UnknownUser";
}

/** Offsets of pw_name, pw_uid and pw_gid in `struct passwd` of pwd.h, on 64 bits, and of gr_gid in `struct group`. */
const PW_NAME = 0, PW_UID = 16, PW_GID = 20, GR_GID = 16;
/** Larger than either structure. */
const ENTRY_SIZE = 64;
/** Room for the strings of the structure, which include a group's members. */
const TEXT_SIZE = 1024 * 1024;
/** limits.h: NGROUPS_MAX. */
const NGROUPS_MAX = 65_536;
/** Ids have 32 bits, and the largest value means "none". */
const MAX_ID = 0xffff_fffe;

interface User {
  readonly uid: number;
  readonly gid: number;
  /** All groups of the user, which are looked up only if no group is given. */
  readonly groups: () => readonly number[];
}

/**
 * Looks up `USER[:GROUP]`, each a name or a number. Without GROUP, the identity has all groups of the user; with it,
 * only that group.
 *
 * @throws UnknownUser if there is none, or for root, since becoming root gives up nothing
 */
export function findUser(text: string): Identity {
  const colon = text.indexOf(":");
  const [userText, groupText] = colon < 0 ? [text, null] : [text.slice(0, colon), text.slice(colon + 1)];
  const user = userNamed(userText);
  const uid = user?.uid ?? numberIn(userText);
  if (uid === null) throw new UnknownUser(`user: unknown user ${userText}`);
  if (uid === 0) throw new UnknownUser("must be another user than root");
  if (groupText !== null) {
    const gid = numberIn(groupText) ?? groupNamed(groupText);
    if (gid === null) throw new UnknownUser(`user: unknown group ${groupText}`);
    return { uid, gid, groups: [gid] };
  }
  if (user === null) {
    throw new UnknownUser(`user: unknown userid ${uid}: its group must be said too, as in ${uid}:${uid}`);
  }
  return { uid, gid: user.gid, groups: user.groups() };
}

/** The id that the text is, or null. */
function numberIn(text: string): number | null {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : null;
}

function userNamed(text: string): User | null {
  const number = numberIn(text);
  const c = libc();
  const found = number === null
    ? lookUp((into, texts, size, result) => c.getpwnam_r(nameBytes(text), into, texts, size, result), text)
    : lookUp((into, texts, size, result) => c.getpwuid_r(number, into, texts, size, result), text);
  if (found === null) return null;
  const { entry, textAt } = found;
  const gid = entry.getUint32(PW_GID, true);
  const name = textAt(entry.getBigUint64(PW_NAME, true));
  return { uid: entry.getUint32(PW_UID, true), gid, groups: () => groupsOf(name, gid) };
}

function groupNamed(text: string): number | null {
  const c = libc();
  const found = lookUp((into, texts, size, result) => c.getgrnam_r(nameBytes(text), into, texts, size, result), text);
  return found === null ? null : found.entry.getUint32(GR_GID, true);
}

/** The name as a C string; no name has a NUL. */
function nameBytes(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new UnknownUser("a name with a NUL");
  return cString(text);
}

type Bytes = Uint8Array<ArrayBuffer>;

interface Found {
  readonly entry: DataView;
  /** The C string that a pointer of the entry points to, with its NUL. */
  readonly textAt: (address: bigint) => Bytes;
}

/** Calls one of the functions whose name ends in `_r`; null if it finds nothing. */
function lookUp(
  call: (entry: Bytes, texts: Bytes, size: bigint, result: BigUint64Array<ArrayBuffer>) => number,
  what: string,
): Found | null {
  const entry = new Uint8Array(new ArrayBuffer(ENTRY_SIZE)), texts = new MachineBlock(TEXT_SIZE);
  const result = new BigUint64Array(new ArrayBuffer(8));
  let error: number;
  do error = call(entry, texts.bytes, BigInt(TEXT_SIZE), result); while (error === EINTR);
  if (result[0] !== 0n) {
    const textAt = (address: bigint) => {
      const from = Number(address) - texts.address;
      return texts.bytes.slice(from, texts.bytes.indexOf(0, from) + 1);
    };
    return { entry: new DataView(entry.buffer), textAt };
  }
  if (error === 0 || NOT_FOUND.has(error)) return null;
  throw new UnknownUser(`user: ${what} can't be looked up: ${errnoText(error)}`);
}

/** getpwnam(3), "ERRORS": 0, ENOENT, ESRCH, EBADF or EPERM, "or ...", if the name was not found. */
const NOT_FOUND: ReadonlySet<number> = new Set([ENOENT, ESRCH, EBADF, EPERM]);

function groupsOf(name: Bytes, gid: number): readonly number[] {
  const groups = new Uint32Array(new ArrayBuffer(NGROUPS_MAX * 4));
  const count = new Int32Array(new ArrayBuffer(4));
  count[0] = NGROUPS_MAX;
  libc().getgrouplist(name, gid, groups, count);
  return [...groups.subarray(0, count[0])];
}
