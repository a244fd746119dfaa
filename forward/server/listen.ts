/**
 * Listens at the address of `-m` or `-api`.
 *
 * Only the owner may use a Unix socket (mode 0600), from its first moment on: it is made under a temporary name, and gets
 * its own name when its mode is right. A socket that a dead program left behind is removed. A socket of a live program
 * stays, even one that appears at the last moment, and is an error.
 *
 * @module
 */
import { formatEndpoint } from "../../stack/base/address.ts";
import { HostError } from "../host/host_network.ts";
import { endpointOf } from "../host/deno_address.ts";
import { hostError } from "../host/errors.ts";
import { MAX_SOCKET_PATH, type ServiceAddress } from "../syntax/service_address.ts";

const OWNER_ONLY = 0o600;

/** A listening socket. */
export interface Listening {
  readonly listener: Deno.Listener<Deno.Conn>;
  readonly network: ServiceAddress["kind"];
  /** Where it listens, for people: `127.0.0.1:9100`, or the path. */
  readonly address: string;
  /** Removes the socket's file, which closing the listener leaves behind. */
  remove(): void;
}

/** Listens. Rejects with a HostError. */
export async function listenOn(address: ServiceAddress): Promise<Listening> {
  if (address.kind === "unix") return await listenOnPath(address.path);
  const { endpoint } = address;
  try {
    const listener = Deno.listen({ hostname: endpoint.address.toString(), port: endpoint.port });
    return { listener, network: "tcp", address: formatEndpoint(endpointOf(listener.addr)), remove: () => {} };
  } catch (error) {
    throw hostError(error, `listen on ${formatEndpoint(endpoint)}`);
  }
}

/**
 * Listens on a path as slirp4netns does: what is there is removed, unless it is a folder, and the mode is that of the
 * umask. Throws a HostError.
 */
export function replaceSocket(path: string): Deno.Listener<Deno.Conn> {
  const what = `listen on ${path}`;
  if (new TextEncoder().encode(path).length > MAX_SOCKET_PATH) {
    throw new HostError("other", `the path of the API socket is too long (>= ${MAX_SOCKET_PATH + 1})`);
  }
  try {
    const found = statOrNull(path);
    if (found?.isDirectory === true) return Deno.listen({ transport: "unix", path }); // which fails
    // The runtime removes the name by which it listens when the listener is closed. This one is gone by then. It may be
    // longer than the path; where it is too long, the socket goes at the end.
    const first = temporaryName(path);
    const hasRoom = new TextEncoder().encode(first).length <= MAX_SOCKET_PATH;
    if (!hasRoom && found !== null) Deno.removeSync(path);
    const listener = Deno.listen({ transport: "unix", path: hasRoom ? first : path });
    if (hasRoom) giveOwnName(listener, first, path);
    return listener;
  } catch (error) {
    throw hostError(error, what);
  }
}

/** Renames the listener's socket, which replaces what was there. Closes the listener and throws if that fails. */
function giveOwnName(listener: Deno.Listener<Deno.Conn>, first: string, path: string): void {
  try {
    Deno.renameSync(first, path);
  } catch (error) {
    listener.close();
    throw error;
  }
}

async function listenOnPath(path: string): Promise<Listening> {
  const what = `listen on ${path}`;
  try {
    const first = temporaryName(path);
    const listener = Deno.listen({ transport: "unix", path: first });
    try {
      Deno.chmodSync(first, OWNER_ONLY);
      await giveName(first, path, what);
    } catch (error) {
      listener.close();
      throw error;
    } finally {
      removeQuietly(first);
    }
    const { ino } = Deno.lstatSync(path);
    return { listener, network: "unix", address: path, remove: () => removeOwn(path, ino) };
  } catch (error) {
    throw hostError(error, what);
  }
}

/** How often a dead socket is removed. Other programs may leave another one there meanwhile. */
const MAX_ATTEMPTS = 8;

/** Gives the socket at `first` the name `path` as well. Rejects if a live socket, or another kind of file, has it. */
async function giveName(first: string, path: string, what: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      return Deno.linkSync(first, path); // fails where another socket has the name, which rename(2) would replace
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    await removeDead(path, what);
  }
  throw new HostError("other", `${what}: other programs listen there again and again`);
}

/**
 * Removes a dead socket. Rejects if the file is anything else. Between the check and the removal, a program may put its own
 * socket there. So the file is first moved aside, checked again, and moved back if it is alive.
 */
async function removeDead(path: string, what: string): Promise<void> {
  await checkDead(path, what);
  const aside = temporaryName(path);
  try {
    Deno.renameSync(path, aside);
    await checkDead(aside, what);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return; // another program removed it
    try {
      Deno.linkSync(aside, path);
    } catch {
      // a third program has put a socket there, and that stays
    }
    throw error;
  } finally {
    removeQuietly(aside);
  }
}

/** Rejects unless there is nothing, or a dead socket. */
async function checkDead(path: string, what: string): Promise<void> {
  const found = statOrNull(path);
  if (found === null) return;
  if (!found.isSocket) throw new HostError("other", `${what}: the file exists, and is no socket`);
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new HostError("other", `${what}: another program listens there`);
}

/** An unused name in the same folder. It is short, because a socket's path is at most 107 bytes long. */
function temporaryName(path: string): string {
  const number = crypto.getRandomValues(new Uint32Array(1))[0];
  return `${path.slice(0, path.lastIndexOf("/") + 1)}.${number.toString(36)}`;
}

/** Removes the socket, unless another program's socket has replaced it, or this user (`-user`) may not look. */
function removeOwn(path: string, ino: number | null): void {
  try {
    if (statOrNull(path)?.ino !== ino) return;
  } catch {
    return;
  }
  removeQuietly(path);
}

function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // the file or its folder is gone already
  }
}
