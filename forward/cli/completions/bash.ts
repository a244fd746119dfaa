/**
 * Completions for bash, with or without the package bash-completion.
 *
 * bash breaks words at `=` and `:` (COMP_WORDBREAKS), so `-icmp=lo` is three words. Text after the last `=` is completed
 * as the value of the flag before it; text after a `:` is not completed.
 *
 * @module
 */
import { type Completion, completionOf } from "../flags/flag_row.ts";
import { PROGRAM } from "../flags/usage.ts";
import { allFlags, type Command, COMMANDS, shownFlags } from "../help/commands.ts";
import { COMMAND_WORDS } from "../help/pages.ts";
import { ADDRESSES, BEGINNINGS, DEFAULT_COMMAND, HELP_WORDS, SHELLS, TYPED_COMMANDS } from "./words.ts";

/** The script. */
export function bashCompletions(): string {
  return `# bash completion for ${PROGRAM}, made by: ${PROGRAM} completions bash

_${PROGRAM}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command=${DEFAULT_COMMAND.name} i
  COMPREPLY=()
  if [[ $cur == "=" ]]; then
    cur=
  elif [[ $prev == "=" ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi

  case \${COMP_WORDS[1]} in
    ${TYPED_COMMANDS.map(({ name }) => `${name}) ((COMP_CWORD > 1)) && command=${name} ;;\n    `).join("")}\
help)
      ((COMP_CWORD == 2)) && COMPREPLY=($(compgen -W "${
    [...words(HELP_WORDS), ...allFlags().map(([name]) => `-${name}`)].join(" ")
  }" -- "$cur"))
      ((COMP_CWORD > 1)) && return
      ;;
    completions)
      ((COMP_CWORD == 2)) && COMPREPLY=($(compgen -W "${SHELLS.join(" ")}" -- "$cur"))
      ((COMP_CWORD > 1)) && return
      ;;
    top)
      ((COMP_CWORD == 2)) && compopt -o nospace && COMPREPLY=($(compgen -W "${ADDRESSES.join(" ")}" -- "$cur"))
      ((COMP_CWORD > 1)) && return
      ;;
  esac
${commandOffset()}
  case $prev in
${valueCases()}
  esac

  if [[ $cur == -* ]]; then
    local flags dashes=-
    case $command in
${
    COMMANDS.map(({ name, flags }) => `      ${name}) flags="${Object.keys(flags).toSorted().join(" ")} h help" ;;`)
      .join("\n")
  }
    esac
    [[ $cur == --* ]] && dashes=--
    COMPREPLY=($(compgen -P "$dashes" -W "$flags" -- "\${cur#"$dashes"}"))
  elif ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${words(COMMAND_WORDS).join(" ")}" -- "$cur"))
  fi
}

complete -F _${PROGRAM} ${PROGRAM}
`;
}

/** Completes the user's own command, by bash-completion if it is installed. */
function commandOffset(): string {
  const taking = TYPED_COMMANDS.filter(({ takesCommand }) => takesCommand);
  if (taking.length === 0) return "";
  const valued = new Set(taking.flatMap((command) => valuedFlags(command)));
  return `
  if [[ $command == @(${taking.map(({ name }) => name).join("|")}) ]]; then
    # the first word that is neither a flag nor the value of one begins the user's command
    for ((i = 2; i < COMP_CWORD; i++)); do
      case \${COMP_WORDS[i]} in
        --) ((i++)); break ;;
        ${[...valued].map((name) => `-${name}|--${name}`).join("|")})
          [[ \${COMP_WORDS[i + 1]} == "=" ]] && ((i++))
          ((i++))
          ;;
        -*) [[ \${COMP_WORDS[i + 1]} == "=" ]] && ((i += 2)) ;;
        *) break ;;
      esac
    done
    if ((i < COMP_CWORD)) || { ((i == COMP_CWORD)) && [[ $cur != -* && $prev != "=" ]]; }; then
      if declare -F _command_offset > /dev/null; then
        _command_offset "$i"
      elif ((i == COMP_CWORD)); then
        COMPREPLY=($(compgen -c -- "$cur"))
      else
        compopt -o default
      fi
      return
    fi
  fi
`;
}

function valueCases(): string {
  const cases = new Map<string, string[]>();
  for (const [name, row] of allFlags()) {
    if (row.value === undefined) continue;
    const action = valueAction(completionOf(row));
    cases.set(action, [...cases.get(action) ?? [], `-${name}|--${name}`]);
  }
  return [...cases].map(([action, patterns]) => `    ${patterns.join("|")})\n      ${action}\n      return\n      ;;`)
    .join("\n");
}

function valueAction(complete: Completion): string {
  switch (complete) {
    case "none":
      return ":";
    case "file":
      return 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))';
    case "netns":
      return `COMPREPLY=($(compgen -W "$(compgen -G '/run/netns/*'; compgen -G '/proc/[0-9]*/ns/net')" -- "$cur"))`;
    case "interface":
      return 'COMPREPLY=($(compgen -W "tun0 $(ls /sys/class/net 2> /dev/null)" -- "$cur"))';
    case "forward":
    case "range":
    case "rule":
      return offer(BEGINNINGS[complete], false);
    default:
      return offer(complete, complete.every((word) => !word.endsWith(":") && !word.endsWith("/")));
  }
}

function offer(choices: readonly string[], whole: boolean): string {
  return `${whole ? "" : "compopt -o nospace; "}COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur"))`;
}

function valuedFlags(command: Command): string[] {
  return shownFlags(command).filter(([, { value }]) => value !== undefined).map(([name]) => name);
}

function words(list: readonly (readonly [word: string, meaning: string])[]): string[] {
  return list.map(([word]) => word);
}
