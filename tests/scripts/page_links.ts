/**
 * The links and headings of a page in Markdown.
 *
 * @module
 */

/** A page without its blocks of code and comments, which have no links. */
function prose(text: string): string {
  return text.replaceAll(/^```[^]*?^```$|<!--[^]*?-->|^ {4}.*$/gm, "");
}

/** The anchors of a page's headings, as GitHub makes them: lower case, no punctuation, a hyphen for each space. */
export function anchors(text: string): string[] {
  const seen = new Map<string, number>();
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => {
    const slug = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** The targets of a page's links and pictures that are not addresses of the internet. */
export function links(text: string): string[] {
  const targets = prose(text).replaceAll(/`[^`]*`/g, "code").matchAll(/\]\(([^)\s]+)\)/g);
  return [...targets].map(([, target]) => target).filter((target) => !/^[a-z]+:/.test(target));
}
