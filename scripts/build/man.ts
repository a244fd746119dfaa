/**
 * Makes the manual page, slirpnetstack(1), from the texts of help, in the macros of man(7), which groff and mandoc
 * read.
 *
 *     deno task man [PATH]        bin/slirpnetstack.1 unless a path is given
 *
 * @module
 */
import { allFlagSections, COMMANDS } from "../../forward/cli/help/commands.ts";
import {
  commandLine,
  DESCRIPTION,
  examples,
  FLAG_STYLE,
  FORWARDS,
  LIMITS_SECTIONS,
  OTHER_COMMANDS,
  OUTPUT,
  POLICY,
  SEE_ALSO,
  SUMMARY,
} from "../../forward/cli/help/pages.ts";
import { AUDIT } from "../../forward/cli/help/audit_page.ts";
import { EGRESS } from "../../forward/cli/help/egress_page.ts";
import { type Block, type Section, spans } from "../../forward/cli/help/page.ts";
import { SANDBOX } from "../../forward/cli/help/sandbox_page.ts";
import { PASTA_PAGE } from "../../forward/cli/help/pasta_page.ts";
import { SLIRP4NETNS_PAGE } from "../../forward/cli/help/slirp4netns_page.ts";
import { TOP } from "../../forward/cli/help/top_page.ts";
import { PROGRAM } from "../../forward/cli/flags/usage.ts";
import { argumentsOr } from "../common/arguments.ts";
import { readStamp, type Stamp } from "./stamp.ts";

/** The subjects that have a help page each. */
const TOPICS: readonly Section[] = [
  ...FORWARDS,
  ...POLICY,
  ...EGRESS,
  ...AUDIT,
  ...TOP,
  ...LIMITS_SECTIONS,
  ...SANDBOX,
  ...SLIRP4NETNS_PAGE,
  ...PASTA_PAGE,
  ...OUTPUT,
];

/** The page. Ends with a newline. */
export function manualPage({ version, time }: Pick<Stamp, "version" | "time">): string {
  const date = time.toISOString().slice(0, 10);
  const [release] = version.split("+"); // without the commit, which is too long for a page's foot
  const others = OTHER_COMMANDS.map(([synopsis]) => `\`${PROGRAM}\` ${synopsis}`);
  const sections: string[] = [
    `.SH NAME\n${PROGRAM} \\- ${SUMMARY}\n`,
    `.SH SYNOPSIS\n${[...COMMANDS.map(commandLine), ...others].map(inline).join("\n.br\n")}\n`,
    section({ title: "Description", blocks: DESCRIPTION }),
    `.SH COMMANDS\n${
      COMMANDS.map((command) => subsection({ title: commandLine(command), blocks: command.description })).join("")
    }${
      OTHER_COMMANDS.map(([synopsis, meaning]) =>
        subsection({ title: `\`${PROGRAM}\` ${synopsis}`, blocks: [capital(`${meaning}.`)] })
      ).join("")
    }`,
    section({ title: "Options", blocks: FLAG_STYLE }),
    ...allFlagSections().map(subsection),
    ...TOPICS.filter(({ title }) => title !== "Examples").map(section),
    section({ title: "Examples", blocks: allExamples() }),
    `.SH SEE ALSO\n${
      SEE_ALSO.split(", ").map((page, i, all) => {
        const [, name, number] = /^(.+)\((\d)\)$/.exec(page)!;
        return `.BR ${escape(name!)} (${number})${i < all.length - 1 ? "," : ""}`;
      }).join("\n")
    }\n`,
  ];
  return `.\\" Made by scripts/build/man.ts of what \`${PROGRAM} help\` says.
.TH ${PROGRAM.toUpperCase()} 1 ${date} "${PROGRAM} ${release}" "User Commands"
.nh
.ad l
${sections.join("")}`;
}

/** The examples of the commands and of the topics. */
function allExamples(): readonly Block[] {
  const topics = TOPICS.filter(({ title }) => title === "Examples").flatMap(({ blocks }) => blocks);
  return [...examples(COMMANDS.flatMap((command) => command.examples)), ...topics];
}

function section({ title, blocks }: Section): string {
  return `.SH ${heading(title.toUpperCase())}\n${content(blocks)}`;
}

function subsection({ title, blocks }: Section): string {
  return `.SS ${heading(title)}\n${content(blocks)}`;
}

/** A heading is one argument of its macro, in the font that the macro chooses. */
function heading(title: string): string {
  return `"${escape(spans(title).map(({ text }) => text).join(""))}"`;
}

/** The first paragraph needs no space before it: headings have it. */
function content(blocks: readonly Block[]): string {
  return blocks.map((block, i) => {
    if (typeof block === "string") return `${i === 0 ? "" : ".PP\n"}${line(inline(block))}`;
    if ("code" in block) {
      return `.PP\n.RS 4\n.nf\n${block.code.map((text) => codeLine(escape(text))).join("")}.fi\n.RE\n`;
    }
    return block.terms.map(([term, ...paragraphs]) =>
      `.TP\n${line(inline(term))}${paragraphs.map((paragraph) => line(inline(paragraph))).join(".IP\n")}`
    ).join("");
  }).join("");
}

/** A text in bold and italics where its markup asks for it. */
function inline(text: string): string {
  return spans(text).map(({ style, text }) => {
    if (style === "plain") return escape(text);
    return `${style === "literal" ? "\\fB" : "\\fI"}${escape(text)}\\fR`;
  }).join("");
}

/** Literal text: a minus stays a minus, and a backslash a backslash (groff_char(7)). */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("~", "\\(ti").replaceAll("^", "\\(ha")
    .replaceAll("'", "\\(aq").replaceAll("`", "\\(ga").replaceAll('"', "\\(dq");
}

/** The most bytes in a line of the page's source; mandoc warns of more. */
const MAX_LINE = 80;

/** Lines of text: each sentence begins a line, as roff prefers, and none is long. */
function line(text: string): string {
  return text.split(/(?<=[.:;?!]\)?) (?=[A-Z\\])/).flatMap((sentence) => broken(sentence, "")).map(plain).join("");
}

/** A line whose break counts. A backslash continues it in the source. */
function codeLine(text: string): string {
  const lines = broken(text, " \\");
  return lines.map((part, i) => plain(i < lines.length - 1 ? `${part} \\` : part)).join("");
}

/** Breaks a text at spaces into short lines, with room for `end` behind each. */
function broken(text: string, end: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length + end.length > MAX_LINE) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Protects a line that roff would take for a request. */
function plain(text: string): string {
  return `${/^[.']/.test(text) ? "\\&" : ""}${text}\n`;
}

function capital(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}

if (import.meta.main) {
  const { words } = argumentsOr("usage: deno task man [PATH]", Deno.args, { words: 1 });
  const path = words[0] ?? `bin/${PROGRAM}.1`;
  if (path.includes("/")) await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(path, manualPage(await readStamp()));
  console.log(path);
}
