/**
 * The helper as a program of its own, which is there sooner than all of the program's modules are. An executable has its
 * modules in one file: there, main.ts sees by the first argument that it is to be the helper.
 *
 * @module
 */
import { runHelper } from "./helper.ts";

runHelper(Number(Deno.args[0]));
