/**
 * The helper as a program of its own, which loads faster than the whole program. A compiled executable has no separate
 * entry for it: there, main.ts recognizes the helper by the first argument.
 *
 * @module
 */
import { runHelper } from "./helper.ts";

runHelper(Number(Deno.args[0]));
