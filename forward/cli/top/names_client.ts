/**
 * Asks a running program's metrics server for its names.
 *
 * @module
 */
import { type NamesSnapshot, readNames } from "../../metrics/names/names_json.ts";
import type { ServiceAddress } from "../../syntax/service_address.ts";

/** How long an answer may take, in ms. */
const PATIENCE_MS = 5_000;

/** The largest answer that is read: a thousand names have 300 KB. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** Asks once. Rejects with an Error if there is no answer, or another one. */
export async function askNames(address: ServiceAddress): Promise<NamesSnapshot> {
  using conn = address.kind === "unix"
    ? await Deno.connect({ transport: "unix", path: address.path })
    : await Deno.connect({ hostname: `${address.endpoint.address}`, port: address.endpoint.port });
  const timer = setTimeout(() => conn.close(), PATIENCE_MS);
  try {
    await writeAll(conn, "GET /names HTTP/1.0\r\nHost: localhost\r\n\r\n");
    const answer = await readAll(conn);
    const [, status, body] = /^HTTP\/1\.\d (\d{3}) .*?\r\n\r\n(.*)$/s.exec(answer) ?? [];
    if (status !== "200" || body === undefined) {
      throw new Error(`the answer is ${status ?? "no HTTP"}, not a list of names`);
    }
    return readNames(body);
  } finally {
    clearTimeout(timer);
  }
}

async function writeAll(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function readAll(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65_536), decoder = new TextDecoder();
  let text = "";
  for (let length = await conn.read(buffer); length !== null; length = await conn.read(buffer)) {
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
    if (text.length > MAX_ANSWER) throw new Error("the answer is too long");
  }
  return text;
}
