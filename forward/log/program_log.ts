/**
 * The program's log: what happens to the program itself, for the people who run it. It is asked for by `-log` and
 * `-log-level`, and has nothing to do with the lines that scripts parse (report lines on stdout, progress on stderr).
 *
 *     2026-11-28T09:55:01.123Z INFO device open: name=tun0 medium=ethernet mtu=65520
 *     {"@timestamp":"2026-11-28T09:55:01.123Z","level":"INFO","message":"device open","logger":"slirpnetstack",...}
 *
 * An event is a fixed text. Everything that comes from outside (addresses, names, reasons) is a fact beside it, and is
 * escaped, so no byte from the guest can look like a line of its own. Each level has a limit of records a second, so a
 * guest can't fill the disk with the records that it causes. Records that are left out are counted.
 *
 * @module
 */

/** The levels, the least important first. A log has the records of its level and above. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** The facts about an event, by name. */
export type Facts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** Takes events. Facts that are costly to make are a function, which is called only for a record that is written. */
export interface ProgramLog {
  debug(event: string, facts?: Facts | (() => Facts)): void;
  info(event: string, facts?: Facts | (() => Facts)): void;
  warning(event: string, facts?: Facts | (() => Facts)): void;
  error(event: string, facts?: Facts | (() => Facts)): void;
}

/** The level and the format of the log. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Lines of text, or a JSON object a line. */
  readonly format: "text" | "json";
}

/** Where the log writes, and its clock. */
export interface LogSink {
  /** Writes a record, which ends with a newline and is below 4 KiB. False: it could not be written now. */
  readonly write: (text: string) => boolean;
  /** The time in ms, from a clock that doesn't go back. */
  readonly now: () => number;
}
