/**
 * `slirpnetstack completions SHELL`.
 *
 * @module
 */
import { didYouMean, type HelpOutcome } from "../help/help.ts";
import { nearest } from "../help/suggest.ts";
import { bashCompletions } from "./bash.ts";
import { fishCompletions } from "./fish.ts";
import { type Shell, SHELLS } from "./words.ts";
import { zshCompletions } from "./zsh.ts";

/** The function that makes each shell's script. */
export const SCRIPTS: Readonly<Record<Shell, () => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

/** Returns the script for the arguments after `completions`. */
export function completions(args: readonly string[]): HelpOutcome {
  const [word] = args;
  const shell = SHELLS.find((shell) => shell === word);
  if (shell !== undefined && args.length === 1) return { kind: "text", text: SCRIPTS[shell]() };
  const what = args.length === 1
    ? `no completions for ${JSON.stringify(word)}`
    : "completions takes the name of a shell";
  const meant = word === undefined || args.length > 1 ? null : nearest(word, SHELLS);
  const hint = meant === null ? `Shells are: ${SHELLS.join(", ")}.` : didYouMean(`completions ${meant}`);
  return { kind: "error", message: `${what}\n${hint}\n` };
}
