/**
 * The pages for users that go into a release: the README, the pages about its recipes, figures and sandbox, and the
 * files that these show or run.
 *
 * Each keeps its path, so that links between them lead to the same places. A link to the sources, which a release does not
 * have, is replaced by its text.
 *
 * @module
 */
import { dirname, join } from "node:path/posix";

/** The pages by their paths in the project. */
export const PACKED_PAGES: readonly string[] = [
  "README.md",
  "ffi/sandbox/README.md",
  "scripts/RECIPES.md",
  "scripts/bench/README.md",
  "scripts/bench/TRIED.md",
  "scripts/soak/README.md",
];

/** The other files that the pages link to, and that a release has: pictures, and a script for users. */
export const PACKED_FILES: readonly string[] = [
  "LICENSE",
  "scripts/bench/chart.svg",
  "scripts/gvisor.sh",
  "scripts/session.svg",
  "scripts/soak/soak.svg",
];

/** Blocks of code and inline code, which stay as they are, and links. */
const CODE_OR_LINK = /^```[^]*?^```$|^ {4}.*$|`[^`\n]*`|!?\[((?:`[^`]*`|[^\][`])*)\]\(([^)\s]+)\)/gm;

/** The text of the page at `path` in a release: without links to files that are not in it. */
export function packedPage(path: string, text: string): string {
  return text.replaceAll(CODE_OR_LINK, (whole: string, label: string | undefined, target: string | undefined) => {
    if (label === undefined || target === undefined || /^(?:#|[a-z]+:)/.test(target)) return whole;
    const file = join(dirname(path), target.replace(/#.*$/, ""));
    return PACKED_PAGES.includes(file) || PACKED_FILES.includes(file) ? whole : label;
  });
}
