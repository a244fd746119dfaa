/**
 * The permissions that the program needs of Deno, asked for before anything else, so that it says what is missing
 * instead of stopping somewhere with a question.
 *
 * @module
 */

/** A permission, and the flag that gives it. */
interface Needed {
  readonly descriptor: Deno.PermissionDescriptor;
  readonly flag: string;
}

const FOLDER = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** System calls; the sockets of what is forwarded. */
const ALWAYS: readonly Needed[] = [
  { descriptor: { name: "ffi" }, flag: "--allow-ffi" },
  { descriptor: { name: "net" }, flag: "--allow-net" },
];

/** The age of the sources, for `-version`. (Who has no git has a less exact time there.) */
const FROM_SOURCE: readonly Needed[] = [
  { descriptor: { name: "read", path: FOLDER }, flag: `--allow-read=${FOLDER}` },
];

/** The flags of `deno run` that are missing; empty: all is well. */
export function missingPermissions(): string[] {
  const needed = Deno.build.standalone ? ALWAYS : [...ALWAYS, ...FROM_SOURCE];
  return needed.filter(({ descriptor }) => Deno.permissions.querySync(descriptor).state !== "granted")
    .map(({ flag }) => flag);
}
