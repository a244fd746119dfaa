/**
 * Completions for fish, where flags with one dash are "old-style options".
 *
 * @module
 */
import { type Completion, completionOf } from "../flags/flag_row.ts";
import { PROGRAM } from "../flags/usage.ts";
import { COMMANDS } from "../help/commands.ts";
import { COMMAND_WORDS } from "../help/pages.ts";
import { ADDRESSES, BEGINNINGS, DEFAULT_COMMAND, described, HELP_WORDS, SHELLS, TYPED_COMMANDS } from "./words.ts";

const TWO_DASHES = `__${PROGRAM}_two_dashes`;

/** The script. */
export function fishCompletions(): string {
  const lines = [
    `# fish completion for ${PROGRAM}, made by: ${PROGRAM} completions fish`,
    "",
    "# flags with two dashes are offered only if the line already has one",
    `function ${TWO_DASHES}`,
    "    string match -qr -- ' --\\\\w' (commandline -pc)",
    "end",
    "",
    `complete -c ${PROGRAM} -f`,
    ...COMMAND_WORDS.map(([word, meaning]) => line("__fish_is_first_arg", `-a ${word}`, meaning)),
    ...HELP_WORDS.map(([word, meaning]) => line(after("help"), `-a ${word}`, meaning)),
    ...SHELLS.map((shell) => line(after("completions"), `-a ${shell}`, `for ${shell}`)),
    ...ADDRESSES.map((address) => line(after("top"), `-a ${address}`, "the address of -m")),
  ];
  for (const command of COMMANDS) {
    const when = command === DEFAULT_COMMAND
      ? `not ${after([...TYPED_COMMANDS.map(({ name }) => name), "help", "completions", "top"].join(" "))}`
      : after(command.name);
    for (const { name, row, meaning } of described(command)) {
      const value = row.value === undefined ? "" : ` -x${values(completionOf(row))}`;
      lines.push(line(when, `-o ${quoted(name)}${value}`, meaning));
      lines.push(line(`${when}; and ${TWO_DASHES}`, `-l ${quoted(name)}${value}`, meaning));
      lines.push(line(after("help"), `-a ${quoted(`-${name}`)}`, meaning));
    }
    lines.push(line(when, "-o h", "print a line about each flag"));
    if (command.takesCommand) {
      lines.push(line(when, "-a '(__fish_complete_subcommand --fcs-skip=2)'", "the command"));
    }
  }
  return `${lines.join("\n")}\n`;
}

function after(words: string): string {
  return `__fish_seen_subcommand_from ${words}`;
}

function line(condition: string, what: string, meaning: string): string {
  return `complete -c ${PROGRAM} -n ${quoted(condition)} ${what} -d ${quoted(meaning)}`;
}

function values(complete: Completion): string {
  switch (complete) {
    case "none":
      return "";
    case "file":
      return " -a '(__fish_complete_path (commandline -ct))'";
    case "netns":
      return " -a '(for path in /run/netns/* /proc/*/ns/net; echo $path; end)'";
    case "interface":
      return " -a 'tun0 (__fish_print_interfaces)'";
    case "forward":
    case "range":
    case "rule":
      return ` -a ${quoted(BEGINNINGS[complete].join(" "))}`;
    default:
      return ` -a ${quoted(complete.join(" "))}`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
