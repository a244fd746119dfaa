/**
 * The name under which the program was started.
 *
 * @module
 */

/**
 * The last part of the path that is the process's own first argument: the name of a link, say, or that of `exec -a`. Empty
 * where it can't be told. Run from source, it is the runtime's.
 *
 * It is read from a variable of the C library, which is opened for that alone: this takes half a millisecond, and all of
 * libc.ts, or Node's `process.argv0`, several. Every start asks.
 */
export function invocationName(): string {
  for (const file of ["libc.so.6", "libc.so", `libc.musl-${Deno.build.arch}.so.1`]) {
    try {
      const library = Deno.dlopen(file, { program_invocation_name: { type: "pointer" } });
      const { program_invocation_name: variable } = library.symbols; // its address
      const name = variable === null ? null : new Deno.UnsafePointerView(variable).getPointer();
      const path = name === null ? "" : Deno.UnsafePointerView.getCString(name);
      library.close();
      return path.slice(path.lastIndexOf("/") + 1);
    } catch {
      continue; // another C library, or no permission, which is told later
    }
  }
  return "";
}
