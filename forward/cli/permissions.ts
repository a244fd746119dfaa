/**
 * The Deno permissions that the program needs. It checks them before anything else, and names the missing ones instead
 * of stopping later with a prompt.
 *
 * @module
 */

/** A permission, and the flag that gives it. */
interface Needed {
  readonly descriptor: Deno.PermissionDescriptor;
  readonly flag: string;
}

const FOLDER = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** For system calls; for name lookups, the metrics server and `-sockets deno`. */
const ALWAYS: readonly Needed[] = [
  { descriptor: { name: "ffi" }, flag: "--allow-ffi" },
  { descriptor: { name: "net" }, flag: "--allow-net" },
];

/** For the time of the sources in `-version`. Running git for it is not required: without it the time is less exact. */
const FROM_SOURCE: readonly Needed[] = [
  { descriptor: { name: "read", path: FOLDER }, flag: `--allow-read=${FOLDER}` },
];

/** The flags of `deno run` that are missing; empty: none. */
export function missingPermissions(): string[] {
  const needed = Deno.build.standalone ? ALWAYS : [...ALWAYS, ...FROM_SOURCE];
  return needed.filter(({ descriptor }) => Deno.permissions.querySync(descriptor).state !== "granted")
    .map(({ flag }) => flag);
}
