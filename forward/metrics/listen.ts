/**
 * Listening on what `-m` names.
 *
 * A Unix socket is for its owner alone (mode 0600) from the first moment on: it is made under another name, and gets its
 * own when its mode is right. That also takes the place of one that a program left behind which ended without removing
 * it; one on which somebody listens stays, and is an error.
 *
 * @module
 */
import { formatEndpoint } from "../../stack/address.ts";
import { HostError } from "../host.ts";
import { endpointOf } from "../host_deno_address.ts";
import { hostError } from "../host_error.ts";
import type { MetricsAddress } from "./address.ts";

const OWNER_ONLY = 0o600;

/** A listening socket. */
export interface Listening {
  readonly listener: Deno.Listener<Deno.Conn>;
  /** Where it listens, for people: `127.0.0.1:9100`, or the path. */
  readonly address: string;
  /** Removes what the listener leaves behind when it is closed. */
  remove(): void;
}

/** Listens. Rejects with a HostError. */
export async function listenOn(address: MetricsAddress): Promise<Listening> {
  if (address.kind === "unix") return await listenOnPath(address.path);
  const { endpoint } = address;
  try {
    const listener = Deno.listen({ hostname: endpoint.address.toString(), port: endpoint.port });
    return { listener, address: formatEndpoint(endpointOf(listener.addr)), remove: () => {} };
  } catch (error) {
    throw hostError(error, `listen on ${formatEndpoint(endpoint)}`);
  }
}

async function listenOnPath(path: string): Promise<Listening> {
  const what = `listen on ${path}`;
  try {
    await checkFree(path, what);
    const first = temporaryName(path);
    removeQuietly(first); // left behind by another with our pid
    const listener = Deno.listen({ transport: "unix", path: first });
    try {
      Deno.chmodSync(first, OWNER_ONLY);
      Deno.renameSync(first, path);
    } catch (error) {
      listener.close();
      removeQuietly(first);
      throw error;
    }
    const { ino } = Deno.lstatSync(path);
    return { listener, address: path, remove: () => removeOwn(path, ino) };
  } catch (error) {
    throw hostError(error, what);
  }
}

/** Rejects unless there is nothing, or a socket that nobody listens on. */
async function checkFree(path: string, what: string): Promise<void> {
  const found = statOrNull(path);
  if (found === null) return;
  if (!found.isSocket) throw new HostError("other", `${what}: the file exists, and is no socket`);
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return;
    throw error;
  }
  throw new HostError("other", `${what}: another program listens there`);
}

/** In the same folder, so that it can be renamed; short, as a socket's path is at most 107 bytes long. */
function temporaryName(path: string): string {
  return `${path.slice(0, path.lastIndexOf("/") + 1)}.${Deno.pid}`;
}

/** Removes the socket, unless another program's has taken its place, or this user may not even look (`-user`). */
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
    // it is gone, or the folder is: nobody misses it
  }
}
