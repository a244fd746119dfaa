/**
 * The socket of slirp4netns' API: one request a connection.
 *
 *     client: the object, its FIN →
 *     ← server: the answer, its FIN
 *
 * A request is answered as soon as its object is complete, or at the client's FIN. It must be shorter than 4096 bytes.
 *
 * @module
 */
import { ClientServer, type ClientServerOptions, writeText } from "../../server/client_server.ts";
import { completeValue } from "./json_request.ts";
import { type Slirp4netnsApi, TOO_LARGE } from "./slirp4netns_api.ts";

/** A request must be shorter, in bytes. */
const REQUEST_LIMIT = 4096;

/** Serves the API to the clients of a listener. Starts at once. */
export class Slirp4netnsSocket extends ClientServer {
  constructor(options: ClientServerOptions, api: Slirp4netnsApi) {
    super(options, async (conn) => {
      const request = await readRequest(conn);
      await writeText(conn, request === null ? TOO_LARGE : await api.answer(request));
    });
  }
}

/** The request's JSON; null: it is too large. */
async function readRequest(conn: Deno.Conn): Promise<string | null> {
  const decoder = new TextDecoder(), buffer = new Uint8Array(REQUEST_LIMIT);
  for (let length = 0; length < buffer.length;) {
    const count = await conn.read(buffer.subarray(length));
    length += count ?? 0;
    if (length === buffer.length) return null;
    const text = decoder.decode(buffer.subarray(0, length));
    const request = completeValue(text);
    if (request !== null) return request;
    if (count === null) return text;
  }
  return null;
}
