/** The part of http-parser-js that is used here; the package's own types need others. */
import type { Buffer } from "node:buffer";

export class HTTPParser {
  static readonly REQUEST: "REQUEST";
  static readonly kOnHeadersComplete: 1;
  constructor(type: "REQUEST");
  1: (info: { readonly headers: readonly string[] }) => void;
  /** Returns how many bytes were taken, or the error that has ended the parsing. */
  execute(bytes: Buffer): number | Error;
}
