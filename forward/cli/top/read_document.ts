/**
 * Asks a server of `-m` for the document `/names`, and reads it.
 *
 * @module
 */
import { formatEndpoint } from "../../../stack/base/address.ts";
import { hostError } from "../../host/errors.ts";
import type { NameLine, NamesDocument } from "../../metrics/names/document.ts";
import { REASON_TEXTS } from "../../audit/schema.ts";
import type { ServiceAddress } from "../../syntax/service_address.ts";

/** The document can't be had, for the reason in the message. */
export class NoDocument extends Error {
  override readonly name = "NoDocument";
}

/** How long the server may take, in ms: it is on this machine, as a rule, and answers in some ms. */
const PATIENCE_MS = 5_000;

/** The most bytes of an answer: a table of the largest size has 16 MiB. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** `tcp://IP:PORT` or `unix://PATH`. */
export function addressText(address: ServiceAddress): string {
  return address.kind === "unix" ? `unix://${address.path}` : `tcp://${formatEndpoint(address.endpoint)}`;
}

/** Asks for the document. Rejects with a {@linkcode NoDocument}. */
export async function fetchDocument(address: ServiceAddress): Promise<NamesDocument> {
  let text: string;
  try {
    text = await request(address, "/names");
  } catch (error) {
    if (error instanceof NoDocument) throw error;
    throw new NoDocument(hostError(error, `no answer from ${addressText(address)}`).message, { cause: error });
  }
  const status = /^HTTP\/1\.\d (\d{3})/.exec(text)?.[1], end = text.indexOf("\r\n\r\n");
  if (status !== "200" || end < 0) {
    const said = status === undefined ? "no HTTP" : `status ${status}`;
    throw new NoDocument(`${addressText(address)} is not the -m of a slirpnetstack with /names: ${said}`);
  }
  const document = readDocument(text.slice(end + 4));
  if (document === null) throw new NoDocument(`${addressText(address)} answers something else than the names`);
  return document;
}

/** Sends one request, and returns everything that comes until the end. */
async function request(address: ServiceAddress, path: string): Promise<string> {
  const conn = address.kind === "unix"
    ? await Deno.connect({ transport: "unix", path: address.path })
    : await Deno.connect({ hostname: address.endpoint.address.toString(), port: address.endpoint.port });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    conn.close();
  }, PATIENCE_MS);
  try {
    await conn.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`));
    const decoder = new TextDecoder(), buffer = new Uint8Array(65_536);
    let text = "";
    for (let count; (count = await conn.read(buffer)) !== null;) {
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      if (text.length > MAX_ANSWER) throw new NoDocument(`${addressText(address)} answers without an end`);
    }
    return text;
  } catch (error) {
    if (isLate) throw new NoDocument(`no answer from ${addressText(address)} in ${PATIENCE_MS / 1_000} seconds`);
    throw error;
  } finally {
    clearTimeout(timer);
    if (!isLate) conn.close();
  }
}

/** Reads the JSON; null: it is something else. Texts have only printable ASCII then, so that no server rules the terminal. */
export function readDocument(text: string): NamesDocument | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const names = field(value, "names"), other = lineOf(field(value, "other"));
  if (field(value, "version") !== 1 || !Array.isArray(names) || other === null) return null;
  const lines = names.map(lineOf);
  if (!lines.every((line) => line !== null)) return null;
  return {
    version: 1,
    seconds: numberOf(field(value, "seconds")),
    limit: numberOf(field(value, "limit")),
    names: lines,
    other,
  };
}

function lineOf(value: unknown): NameLine | null {
  const name = textOf(field(value, "name")), kind = field(value, "kind");
  if (name === null || (kind !== "name" && kind !== "address" && kind !== "other")) return null;
  const count = (key: string) => numberOf(field(value, key)), text = (key: string) => textOf(field(value, key));
  const reason = Object.keys(REASON_TEXTS).find((known) => known === field(value, "reason"));
  return {
    ...{ name, kind, open: count("open"), flows: count("flows") },
    ...{ bytes_out: count("bytes_out"), bytes_in: count("bytes_in"), refusals: count("refusals") },
    ...{ rule: text("rule"), reason: isReason(reason) ? reason : null, shown: text("shown"), remedy: text("remedy") },
  };
}

function isReason(text: string | undefined): text is keyof typeof REASON_TEXTS {
  return text !== undefined && Object.hasOwn(REASON_TEXTS, text);
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function numberOf(value: unknown): number {
  return typeof value === "number" && value >= 0 ? value : 0;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value.replaceAll(/[^ -~]/g, "?") : null;
}
