/**
 * The commands of the program and their flags, as help, the manual page and the shells' completions show them.
 *
 * @module
 */
import { type CommandName, defaultOf, FLAG_GROUPS, type FlagRow, isRepeatable } from "../flags/flag_row.ts";
import { flagsOf } from "../flags/flag_table.ts";
import type { Block, Section, Term } from "./page.ts";

/** A command that has flags. */
export interface Command {
  /** The word in `help WORD`. */
  readonly name: CommandName;
  /** Whether the word is typed to start it. It is not for the default command. */
  readonly typed: boolean;
  readonly summary: string;
  /** The arguments, in the markup of texts. */
  readonly synopsis: string;
  /** Whether the user's own command follows the flags. */
  readonly takesCommand: boolean;
  readonly flags: Readonly<Record<string, FlagRow>>;
  readonly description: readonly Block[];
  /** Command lines, and what each is for. */
  readonly examples: readonly (readonly [purpose: string, command: string])[];
}

/** All commands with flags. The first is the default. */
export const COMMANDS: readonly Command[] = [
  {
    name: "attach",
    typed: false,
    summary: "connect an existing guest",
    synopsis: "[_FLAG_]...",
    takesCommand: false,
    flags: flagsOf("attach"),
    description: [
      "Connects an existing network namespace, which has a tun or tap device, to the host's network. This is what the " +
      "program does when no command is named. It runs until SIGINT or SIGTERM.",
      "The guest's device has the address 10.0.2.100/24, fd00::100/64, or both. The guest's default routes lead to the " +
      "program, at 10.0.2.2 and fd00::2.",
    ],
    examples: [
      ["The guest that a process is in:", "slirpnetstack -netns /proc/4711/ns/net"],
      [
        "One web server and one name server, and nothing else:",
        "slirpnetstack -netns /run/netns/guest -disable-routing -allow tcp://1.1.1.1:80,udp://1.1.1.1:53",
      ],
      [
        "The guest's web server on port 8080 of the host:",
        "slirpnetstack -netns /run/netns/guest -L 8080:10.0.2.100:80",
      ],
      ["The host's database, for the guest, at 10.0.2.2:5432:", "slirpnetstack -netns /run/netns/guest -R 5432"],
    ],
  },
  {
    name: "run",
    typed: true,
    summary: "make a guest, and run a command in it",
    synopsis: "[_FLAG_]... [`--`] [_COMMAND_ [_ARGUMENT_]...]",
    takesCommand: true,
    flags: flagsOf("run"),
    description: [
      "Makes a network namespace with a device, addresses, routes and a name server, runs a command in it, and ends with " +
      "the command's exit status. It needs no privileges: unless root runs it, it makes a user namespace too. Without a " +
      "command it runs the user's shell.",
      "When the program ends, for whatever reason, everything in the namespace ends too.",
    ],
    examples: [
      ["A shell whose only network is this program, as any user:", "slirpnetstack run"],
      [
        "A program that may reach one server and nothing else:",
        "slirpnetstack run -disable-routing -allow 192.0.2.7:443 -- curl https://192.0.2.7/",
      ],
      ["A web server in the guest, on port 8080 of the host:", "slirpnetstack run -L 8080:10.0.2.100:80 -- ./server"],
    ],
  },
];

/** A flag as help shows it. */
export type ShownFlag = readonly [name: string, row: FlagRow];

/** The flags of a command, in the order of help. */
export function shownFlags(command: Command): ShownFlag[] {
  return Object.entries(command.flags);
}

/** All flags of all commands, in the order of help. */
export function allFlags(): ShownFlag[] {
  const own = ({ only }: FlagRow) => only === undefined || only === COMMANDS[0].name;
  const [first, ...others] = COMMANDS.map(shownFlags);
  return [...first!, ...others.flatMap((flags) => flags.filter(([, row]) => !own(row)))];
}

/** The flags of a command under the headings of their groups. */
export function flagSections(command: Command): Section[] {
  return grouped(shownFlags(command), [command]);
}

/** All flags of all commands under the headings of their groups; those of one command alone say so. */
export function allFlagSections(): Section[] {
  return grouped(allFlags(), COMMANDS);
}

function grouped(flags: readonly ShownFlag[], commands: readonly Command[]): Section[] {
  const terms = Map.groupBy(flags, ([, row]) => row.group);
  return FLAG_GROUPS.flatMap((group) => {
    const own = terms.get(group)?.map((flag) => flagTerm(flag, commands));
    return own === undefined ? [] : [{ title: `${group} flags`, blocks: [{ terms: own }] }];
  });
}

/** `-netns PATH`, with the help about it. `commands`: the commands that the text is about. */
export function flagTerm([name, row]: ShownFlag, commands: readonly Command[]): Term {
  const having = commands.filter(({ flags }) => Object.hasOwn(flags, name));
  const notes: string[] = [];
  if (having.length < commands.length) {
    const [only] = having;
    notes.push(only!.typed ? `Only with \`${only!.name}\`.` : `Not with ${names(commands, having)}.`);
  }
  if (isRepeatable(row)) notes.push("May be given several times.");
  notes.push(...defaultNotes(name, row, having));
  const paragraphs = [...row.help];
  if (notes.length > 0) paragraphs.push(notes.join(" "));
  return [row.value === undefined ? `\`-${name}\`` : `\`-${name}\` _${row.value}_`, ...paragraphs];
}

function names(all: readonly Command[], without: readonly Command[]): string {
  return all.filter((command) => !without.includes(command)).map(({ name }) => `\`${name}\``).join(" and ");
}

/** Sentences about the default: that of the first command, and those that differ from it. */
function defaultNotes(name: string, row: FlagRow, commands: readonly Command[]): string[] {
  const [first, ...others] = commands.map((command) => ({ command, shown: typedDefault(row, command) }));
  const notes: string[] = [];
  if (first!.shown !== "") notes.push(`Default: \`${first!.shown}\`.`);
  for (const { command, shown } of others) {
    if (shown !== first!.shown && shown !== "") notes.push(`Default with \`${command.name}\`: \`${shown}\`.`);
  }
  if (row.kind === "boolean" && commands.some((command) => typedDefault(row, command) === "true")) {
    notes.push(`\`-${name}=false\` switches it off.`);
  }
  return notes;
}

/** The default as a person types it; empty: none worth naming. */
export function typedDefault(row: FlagRow, command: Command): string {
  const value = defaultOf(row, command.name);
  return value === undefined || value === false || value === 0 ? "" : String(value);
}
