/**
 * The program's log by LogTape. Loaded only when a log is asked for: loading it takes some 40 ms.
 *
 * @module
 */
import {
  compareLogLevel,
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import { TokenBucket } from "../../stack/icmp/token_bucket.ts";
import { quote } from "../syntax/go_quote.ts";
import type { Facts, LogLevel, LogOptions, LogSink, ProgramLog } from "./program_log.ts";

/** The name of the logger, which LogTape calls its category. */
const CATEGORY = "slirpnetstack";

/** The most records a second and in a burst, for each level: some 200 MB a day. Floods are cut, bursts are not. */
const RATE = 20, BURST = 200;

/** Bytes for the texts of one record, so that it stays below 4 KiB: a pipe takes such a write whole or not at all. */
const MAX_TEXTS = 3_600;

/** Opens the log. LogTape has one configuration for the process, so opening a second log ends the first. */
export function openProgramLog({ level, format }: LogOptions, sink: LogSink): ProgramLog {
  const formatted = format === "json" ? jsonLine : textLine;
  const lost = { count: 0 };
  configureSync({
    reset: true,
    sinks: { sink: (record) => sink.write(formatted(record)) || lost.count++ },
    loggers: [
      { category: CATEGORY, sinks: ["sink"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" }, // LogTape's messages about itself
    ],
  });
  return new LimitedLog(level, sink.now, lost);
}

/** Passes records to LogTape, up to a rate for each level. */
class LimitedLog implements ProgramLog {
  private readonly logger = getLogger(CATEGORY);
  private readonly limits: Readonly<Record<LogLevel, RecordLimit>> = {
    debug: new RecordLimit(),
    info: new RecordLimit(),
    warning: new RecordLimit(),
    error: new RecordLimit(),
  };

  constructor(
    private readonly least: LogLevel,
    private readonly now: () => number,
    private readonly lost: { count: number },
  ) {}

  debug(event: string, facts?: Facts | (() => Facts)): void {
    this.record("debug", event, facts);
  }

  info(event: string, facts?: Facts | (() => Facts)): void {
    this.record("info", event, facts);
  }

  warning(event: string, facts?: Facts | (() => Facts)): void {
    this.record("warning", event, facts);
  }

  error(event: string, facts?: Facts | (() => Facts)): void {
    this.record("error", event, facts);
  }

  private record(level: LogLevel, event: string, facts: Facts | (() => Facts) = {}): void {
    if (compareLogLevel(level, this.least) < 0) return;
    const limit = this.limits[level];
    if (!limit.take(this.now())) return;
    const missing = limit.leftOut + this.lost.count;
    if (missing > 0) {
      limit.leftOut = this.lost.count = 0;
      this.logger[level]("records left out", { count: missing });
    }
    this.logger[level](event, bounded(typeof facts === "function" ? facts() : facts));
  }
}

/** The rate limit of one level. */
class RecordLimit {
  /** Records that were left out since the last one that was written. */
  leftOut = 0;
  private readonly bucket = new TokenBucket(RATE, BURST);

  take(now: number): boolean {
    if (this.bucket.take(now)) return true;
    this.leftOut++;
    return false;
  }
}

/** The facts, with texts truncated where the record would become too long. */
function bounded(facts: Facts): Record<string, unknown> {
  let room = MAX_TEXTS;
  const cut = (text: string) => {
    // escaped, a character takes up to 6 bytes; if all are printable ASCII, quotes and backslashes take 2
    const each = /^[ -~]*$/.test(text) ? 2 : 6;
    const kept = text.slice(0, Math.max(0, Math.floor(room / each)));
    room -= each * kept.length + 3; // and quotes and a separator
    return kept;
  };
  const value = (value: Facts[string]) => {
    if (typeof value === "string") return cut(value);
    return value === null || typeof value !== "object" ? value : value.flatMap((text) => room <= 0 ? [] : [cut(text)]);
  };
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, value(fact)]));
}

const textLine: TextFormatter = getTextFormatter({
  timestamp: "rfc3339",
  level: "FULL",
  format: ({ timestamp, level, record }) => `${timestamp} ${level} ${eventOf(record)}${factsText(record.properties)}`,
});

function eventOf({ rawMessage }: LogRecord): string {
  return typeof rawMessage === "string" ? rawMessage : rawMessage.join("");
}

function factsText(facts: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(facts).filter(([, value]) => value !== null);
  return entries.length === 0 ? "" : `: ${entries.map(([name, value]) => `${name}=${valueText(value)}`).join(" ")}`;
}

/** Texts that need no quotes: addresses, names, numbers. */
const PLAIN = /^[\w.:/@%+,[\]-]+$/;

function valueText(value: unknown): string {
  const text = Array.isArray(value) ? value.join(" ") : String(value);
  return PLAIN.test(text) ? text : quote(text);
}

const json = getJsonLinesFormatter({ properties: "flatten", categorySeparator: "." });

/** Escapes characters that JSON leaves as they are, but terminals and editors take for a command or a line's end. */
function jsonLine(record: LogRecord): string {
  const line = json(record);
  return `${line.trimEnd().replaceAll(/[\x7f-\x9f\u2028\u2029]/g, escaped)}\n`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
