/**
 * The flags about the process: what it shows, how it starts and ends, and its privileges. Rows of the table in flag_table.ts.
 *
 * @module
 */
import type { FlagRow } from "./flag_row.ts";

/** The flags by name, in the order of help. */
export const PROCESS_FLAGS = {
  "pcap": {
    kind: "path",
    value: "PATH",
    group: "Observation",
    everyday: true,
    usage: "path to PCAP file",
    help: [
      "Write the packets of both directions to this file, for `tcpdump` or Wireshark. The file has raw IP packets without " +
      "Ethernet headers, with times in microseconds, and ARP packets, which readers show as unknown. A packet is in the " +
      "file before the guest has it, unless many pass at once.",
    ],
  },
  "m": {
    kind: "metricsAddress",
    option: "metrics",
    value: "ADDRESS",
    group: "Observation",
    everyday: true,
    complete: ["tcp://127.0.0.1:", "unix:///"],
    usage: "Metrics addr",
    help: [
      "Serve metrics, open flows and health over HTTP at `tcp://`_IP_`:`_PORT_ or `unix://`_PATH_. `/metrics` is in the " +
      "format of Prometheus. `/flows` lists the open flows in JSON, and `/names` what was used and what was refused, by name. " +
      "`/health` answers `ok`. `/` is a page for browsers; `slirpnetstack top` shows the same on a terminal. Port 0 is any " +
      "free port; a line on stderr shows it.",
    ],
  },
  "quiet": {
    kind: "boolean",
    group: "Observation",
    usage: "Print less stuff on screen",
    help: [
      "No lines on stdout about forwards and connections, and none on stderr about what the policy refuses.",
    ],
  },
  "verbose": {
    kind: "boolean",
    group: "Observation",
    only: "run",
    usage: "Print what happens, and a line for each connection, on stderr",
    help: ["Print lines about the program, its forwards and each connection on stderr."],
  },
  "audit": {
    kind: "path",
    value: "FILE",
    group: "Observation",
    usage: "file to which a line for each flow and decision is appended, as JSON",
    help: [
      "Append a line to this file for each flow that is opened, each that ends, each that is refused, and, with rules for " +
      "names, each DNS question. `slirpnetstack help audit` describes the lines. No line is left out for lack of room: as " +
      "long as lines can't be written, new flows of the guest are refused. The file is opened before `-user` and `-sandbox` " +
      "take effect, and made if it is missing.",
    ],
  },
  "audit-fd": {
    kind: "spareDescriptor",
    value: "NUMBER",
    group: "Observation",
    usage: "the same, to an inherited file descriptor",
    help: [
      "Write the lines of `-audit` to this inherited file descriptor, 3 or more. If its reader is slow, lines wait; once " +
      "1 MiB of them waits, new flows of the guest are refused until they are read. Not together with `-audit`.",
    ],
  },
  "log": {
    kind: "path",
    value: "FILE",
    group: "Observation",
    usage: "file to which a log about the program is appended",
    help: [
      "Append a log about the program to this file: how it was started, the device, name servers, refusals by the policy, " +
      "limits that are reached, names whose address changes. It is separate from the lines on stdout and stderr. The file is " +
      "opened before `-user` and `-sandbox` take effect, and made if it is missing. Each level is limited to 20 records a " +
      "second.",
    ],
  },
  "log-level": {
    kind: "choice",
    choices: ["debug", "info", "warning", "error"],
    value: "LEVEL",
    group: "Observation",
    usage: "Log records of this level and above: debug, info, warning, error",
    help: [
      "Log records of this level and above. `debug` has each connection, `info` each refusal by the policy, `warning` each " +
      "resource that ran out, `error` the failure that ended the program. The default with `-log` is `info`. Without `-log` " +
      "the records go to stderr.",
    ],
  },
  "log-format": {
    kind: "choice",
    choices: ["text", "json"],
    default: "text",
    value: "FORMAT",
    group: "Observation",
    usage: "Format of the log: text, or json, one object a line",
    help: [
      "The format of the log: lines of text, or one JSON object a line. Both escape text that comes from outside.",
    ],
  },
  "ready-fd": {
    kind: "spareDescriptor",
    value: "NUMBER",
    group: "Process",
    usage: "file descriptor to which a byte is written when traffic flows",
    help: ["Write one byte to this inherited file descriptor, 3 or more, when traffic flows; then close it."],
  },
  "exit-fd": {
    kind: "spareDescriptor",
    value: "NUMBER",
    group: "Process",
    usage: "exit when the other end of this file descriptor closes",
    help: ["Exit, as by SIGTERM, when the other end of this inherited pipe or socket, 3 or more, closes."],
  },
  "user": {
    kind: "user",
    value: "USER",
    group: "Process",
    only: "attach",
    usage: "Become this user, by name or number, once started; with :GROUP, in that group and no other",
    help: [
      "Become this user as soon as everything is open, with the user's groups and without root's capabilities. _USER_ is " +
      "a name or a number. With _USER_`:`_GROUP_, the process has that group alone. Needs root. The parent process gets its " +
      "SIGWINCH just before, because another user may not send it.",
    ],
  },
  // off with attach: the Go program has no sandbox, and its users may have a name service that does not work in one
  "sandbox": {
    kind: "boolean",
    runDefault: true,
    group: "Process",
    everyday: true,
    usage: "Give up system calls and files that are not needed any more once started",
    help: [
      "As soon as everything is open, give up the system calls that are not needed any more and, with Landlock, the " +
      "files. The program then starts no programs, writes no other files, and makes only TCP, UDP and ping sockets. When " +
      "root starts the program, give `-user` as well. The command of `run` is not confined by this. `slirpnetstack help " +
      "sandbox` explains more.",
    ],
  },
  "exit-with-parent": {
    kind: "boolean",
    group: "Process",
    usage: "Exit with parent process",
    help: ["Exit when the process that started the program ends."],
  },
  "maxprocs": {
    kind: "integer",
    value: "NUMBER",
    group: "Process",
    usage: "has no effect; for scripts that set it",
    help: ["Has no effect, and a line on stderr says so. It is accepted for scripts that set it."],
  },
  "version": {
    kind: "boolean",
    group: "Information",
    usage: "Print slirpnetstack version and exit",
    help: ["Print the version and the time of the build, one line each, and exit."],
  },
} as const satisfies Readonly<Record<string, FlagRow>>;
