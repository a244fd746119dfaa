/**
 * Completions for zsh, by its `_arguments`.
 *
 * @module
 */
import { type Completion, completionOf, isRepeatable } from "../flags/flag_row.ts";
import { PROGRAM } from "../flags/usage.ts";
import type { Command } from "../help/commands.ts";
import { COMMAND_WORDS } from "../help/pages.ts";
import { ADDRESSES, BEGINNINGS, DEFAULT_COMMAND, described, HELP_WORDS, SHELLS, TYPED_COMMANDS } from "./words.ts";

/** The script, to be evaluated, or saved as `_slirpnetstack` in a folder of `fpath`. */
export function zshCompletions(): string {
  return `#compdef ${PROGRAM}
# zsh completion for ${PROGRAM}, made by: ${PROGRAM} completions zsh

${[DEFAULT_COMMAND, ...TYPED_COMMANDS].map(flagsFunction).join("\n")}
_${PROGRAM}() {
  local -a subcommands=(${pairs(COMMAND_WORDS)})
  local -a topics=(${pairs(HELP_WORDS)})
  if ((CURRENT == 2)) && [[ $PREFIX != -* ]]; then
    _describe command subcommands
    return
  fi
  case $words[2] in
    help)
      ((CURRENT == 3)) && _describe topic topics
      ;;
    completions)
      ((CURRENT == 3)) && compadd ${SHELLS.join(" ")}
      ;;
    top)
      ((CURRENT == 3)) && compadd -S "" ${ADDRESSES.join(" ")}
      ;;
${
    TYPED_COMMANDS.map(({ name }) =>
      `    ${name})
      shift words
      ((CURRENT--))
      _${PROGRAM}_${name}
      ;;
`
    ).join("")
  }    *)
      _${PROGRAM}_${DEFAULT_COMMAND.name}
      ;;
  esac
}

if [[ $funcstack[1] == _${PROGRAM} ]]; then
  _${PROGRAM} "$@"
else
  compdef _${PROGRAM} ${PROGRAM}
fi
`;
}

/**
 * A function that completes the flags of a command. It accepts one dash or two, and offers flags with the dashes that
 * were typed.
 */
function flagsFunction(command: Command): string {
  const specs = described(command).flatMap(({ name, row, meaning }) => {
    const times = isRepeatable(row) ? "*" : "";
    const [equals, value] = row.value === undefined
      ? ["", ""]
      : ["=", `:${row.value.toLowerCase()}:${action(completionOf(row))}`];
    const explained = quoted(`${name}${equals}[${meaning.replaceAll(/[[\]\\:]/g, "\\$&")}]${value}`);
    return [`"${times}$dashes"${explained}`, `"!${times}$others"${quoted(name + equals + value)}`];
  });
  specs.push(quoted("(- *)-h[print a line about each flag]"));
  if (command.takesCommand) specs.push(quoted("*::command:_normal"));
  return `_${PROGRAM}_${command.name}() {
  local dashes=- others=--
  [[ $PREFIX == --* ]] && dashes=-- others=-
  _arguments -S ${specs.map((spec) => `\\\n    ${spec}`).join(" ")}
}
`;
}

function action(complete: Completion): string {
  switch (complete) {
    case "none":
      return "";
    case "file":
      return "_files";
    case "netns":
      return "{compadd -U /run/netns/*(N) /proc/<->/ns/net(N) || _files}".replace("-U ", "");
    case "interface":
      return "_net_interfaces";
    case "forward":
    case "range":
    case "rule":
      return `{compadd -S "" ${BEGINNINGS[complete].join(" ").replaceAll(":", "\\:")}}`;
    default:
      return `(${complete.join(" ").replaceAll(":", "\\:")})`;
  }
}

function pairs(list: readonly (readonly [word: string, meaning: string])[]): string {
  return list.map(([word, meaning]) => quoted(`${word}:${meaning}`)).join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
