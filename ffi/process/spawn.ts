/**
 * Starts other programs by posix_spawn(3), which, unlike the runtime's own call, can pass on any descriptor, keep the
 * process group and thereby the terminal, and start a child in namespaces that only the calling thread is in.
 *
 * The child gets this process's environment, and every descriptor that is not marked close-on-exec. Ignored signals
 * stay ignored, as `nohup` needs it. Exceptions are SIGPIPE, which the runtime ignores for itself, and the signals that
 * the caller ignores for itself.
 *
 * @module
 */
import { SystemError } from "../libc/errors.ts";
import { cString, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { SIGPIPE } from "../libc/constants/process.ts";

/** Room for the opaque structures of spawn.h; the largest, glibc's `posix_spawnattr_t`, has 336 bytes. */
const OPAQUE_SIZE = 512;
/** `sigset_t` of glibc and musl. */
const SIGSET_SIZE = 128;
// spawn.h
const POSIX_SPAWN_SETPGROUP = 0x02;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSID = 0x80;

/** A word of a command line: text, or bytes that need not be text, without a zero. */
export type Word = string | Uint8Array;

/** Options of {@linkcode spawn}. */
export interface SpawnOptions {
  /** This process's descriptors for the child's stdin, stdout and stderr; by default, its own three. */
  readonly stdio?: readonly [number, number, number];
  /** A process group of its own, instead of this process's. False by default. */
  readonly ownGroup?: boolean;
  /** A session of its own, without a terminal. False by default. */
  readonly ownSession?: boolean;
  /** Signals that only this process ignores, not the child. None by default. */
  readonly heeded?: readonly number[];
}

/**
 * Starts `command`, and returns the process id. The first word is looked up in PATH unless it has a slash.
 *
 * @throws SystemError with the reason of execve(2): ENOENT if it was not found, EACCES if it must not be executed
 */
export function spawn(command: readonly Word[], options: SpawnOptions = {}): number {
  const c = libc();
  const actions = opaque(), attributes = opaque(), signals = new Uint8Array(new ArrayBuffer(SIGSET_SIZE));
  for (const signal of [SIGPIPE, ...options.heeded ?? []]) signals[(signal - 1) >> 3] |= 1 << ((signal - 1) & 7);
  c.posix_spawn_file_actions_init(actions);
  c.posix_spawnattr_init(attributes);
  try {
    c.posix_spawnattr_setsigdefault(attributes, signals);
    c.posix_spawnattr_setpgroup(attributes, 0);
    const placement = (options.ownGroup ? POSIX_SPAWN_SETPGROUP : 0) | (options.ownSession ? POSIX_SPAWN_SETSID : 0);
    c.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | placement);
    for (const [target, fd] of (options.stdio ?? []).entries()) {
      if (fd !== target) c.posix_spawn_file_actions_adddup2(actions, fd, target);
    }
    const [name] = command;
    if (name === undefined) throw new TypeError("no command");
    const pid = new Int32Array(new ArrayBuffer(16));
    const list = new StringList(command);
    const reason = c.posix_spawnp(pid, cWord(name), actions, attributes, list.bytes, environment());
    if (reason !== 0) throw new SystemError("execve", reason, nameOf(name));
    return pid[0];
  } finally {
    c.posix_spawn_file_actions_destroy(actions);
    c.posix_spawnattr_destroy(attributes);
  }
}

/** A null-terminated `char *[]` together with its strings. */
class StringList {
  private readonly block: MachineBlock;
  private readonly size: number;

  constructor(words: readonly Word[]) {
    const encoded = words.map(cWord);
    this.size = (words.length + 1) * 8;
    this.block = new MachineBlock(encoded.reduce((sum, text) => sum + text.length, this.size));
    const addresses = new BigUint64Array(this.block.bytes.buffer, 0, words.length + 1);
    let at = this.size;
    for (const [i, text] of encoded.entries()) {
      this.block.bytes.set(text, at);
      addresses[i] = BigInt(this.block.address + at);
      at += text.length;
    }
  }

  /** The list of addresses. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.block.bytes.subarray(0, this.size);
  }
}

function cWord(word: Word): Uint8Array<ArrayBuffer> {
  if (typeof word === "string") return cString(word);
  const bytes = new Uint8Array(new ArrayBuffer(word.length + 1));
  bytes.set(word);
  return bytes;
}

function nameOf(word: Word): string {
  return typeof word === "string" ? word : new TextDecoder().decode(word);
}

function environment(): Deno.PointerObject | null {
  const variable = libc().environ;
  return variable === null ? null : new Deno.UnsafePointerView(variable).getPointer();
}

function opaque(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(OPAQUE_SIZE));
}
