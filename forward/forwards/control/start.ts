/**
 * Starts the two APIs that add and remove forwards: that of `-api`, and that of slirp4netns.
 *
 * @module
 */
import type { StackAddresses } from "../../../stack/base/link_addresses.ts";
import { reasonOf } from "../../host/errors.ts";
import { apiFailed, ExitStatus } from "../../report/contract_lines.ts";
import { StartFailed } from "../../report/start_failed.ts";
import { HttpServer } from "../../server/http_server.ts";
import { listenOn, replaceSocket } from "../../server/listen.ts";
import type { UnixAddress } from "../../syntax/service_address.ts";
import type { ForwardTable } from "../table.ts";
import { type ApiPolicy, HttpApi } from "./http_api.ts";
import { Slirp4netnsApi } from "./slirp4netns_api.ts";
import { Slirp4netnsSocket } from "./slirp4netns_socket.ts";

/** The largest body of an HTTP request, in bytes. */
const MAX_BODY = 64 * 1024;
/** The most clients of an API at once. Further clients wait in the kernel's queue. */
const MAX_CLIENTS = 64;

/** What an API needs. */
export interface ControlOptions {
  readonly table: ForwardTable;
  /** The addresses of the guest's network: the defaults of forwards. */
  readonly own: StackAddresses;
  /** The rules of `-only` and `-policy`. Null or not given: there are none. */
  readonly policy?: ApiPolicy | null;
  /** Called when there is no descriptor for a client, which waits. */
  readonly acceptFailed: () => void;
  /** Gets functions that the end of the program calls. */
  readonly cleanups: (() => void)[];
}

/** Serves the API over HTTP, with mode 0600. Its socket is removed at the end. Rejects with a {@linkcode StartFailed}. */
export async function startHttpApi(
  address: UnixAddress,
  { table, own, policy, acceptFailed, cleanups }: ControlOptions,
): Promise<void> {
  const { listener, remove } = await attempt(() => listenOn(address));
  const api = new HttpApi(table, own, policy);
  const answer = api.answer.bind(api);
  const server = new HttpServer({ listener, answer, maxBody: MAX_BODY, maxClients: MAX_CLIENTS, acceptFailed });
  cleanups.push(() => {
    server.close();
    remove();
  });
}

/**
 * Serves slirp4netns' API. As with slirp4netns, an old file at the path is removed first, the umask gives the mode, and the
 * socket stays at the end. Rejects with a {@linkcode StartFailed}.
 */
export async function startSlirp4netnsApi(
  path: string,
  { table, own, acceptFailed, cleanups }: ControlOptions,
): Promise<void> {
  const listener = await attempt(() => replaceSocket(path));
  const api = new Slirp4netnsApi(table, own);
  const server = new Slirp4netnsSocket({ listener, maxClients: MAX_CLIENTS, acceptFailed }, api);
  cleanups.push(() => server.close());
}

async function attempt<T>(listen: () => T | Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    throw new StartFailed(ExitStatus.FAILURE, apiFailed(reasonOf(error)), { cause: error });
  }
}
