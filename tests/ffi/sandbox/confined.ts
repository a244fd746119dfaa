/**
 * Run by confine_test.ts as a process of its own: gives up privileges as requested, tries operations that should and
 * should not work afterwards, and prints the outcomes as JSON. Waits for the end of its stdin.
 *
 *     confined.ts '{"user": {..} or null, "sandbox": true, "removable": [FOLDER], "listensLater": true}' FILE
 *
 * FILE may be read by everybody.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { errnoName } from "../../../ffi/libc/errors.ts";
import { errno, libc } from "../../../ffi/libc/libc.ts";
import { confine } from "../../../ffi/sandbox/confine.ts";
import { SIGWINCH } from "../../../ffi/libc/constants/process.ts";

const c = libc();
const { user, sandbox, removable, listensLater } = JSON.parse(Deno.args[0]);
const file = Deno.args[1];

const echo = Deno.listen({ hostname: "127.0.0.1", port: 0 });
(async () => {
  for await (const connection of echo) connection.readable.pipeTo(connection.writable);
})();
await lookup("localhost"); // starts the runtime's other threads

const results: Record<string, string> = {};
const note = (name: string, result: string) => results[name] = result;

const missing = confine({ user, sandbox, signals: [Deno.ppid], rawIcmp: false, removable, listensLater });
note("missing", missing.join());

await attempt("timers", () => new Promise((resolve) => setTimeout(resolve, 5)));
await attempt("lookup", () => lookup("localhost"));
await attempt("connect", async () => {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: echo.addr.port });
  await connection.write(new Uint8Array(5));
  const length = await connection.read(new Uint8Array(10));
  connection.close();
  if (length !== 5) throw new Error(`${length} bytes`);
});
await attempt("garbage", () => {
  for (let i = 0; i < 200; i++) new Uint8Array(1_000_000).fill(i);
});
await attempt("new thread", () => {
  const source = "postMessage(1); self.close()";
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
  return new Promise((resolve) => worker.onmessage = resolve);
});
await attempt("read /etc/hosts", () => Deno.readTextFileSync("/etc/hosts"));
await attempt("read /proc/self/net/route", () => Deno.readTextFileSync("/proc/self/net/route"));
await attempt("read /etc/passwd", () => Deno.readTextFileSync("/etc/passwd"));
await attempt("read /etc/shadow", () => Deno.readTextFileSync("/etc/shadow"));
await attempt("read a file", () => Deno.readTextFileSync(file));
await attempt("read a file elsewhere", () => Deno.readTextFile(file)); // on a thread of the runtime
await attempt("write a file", () => Deno.writeTextFileSync(`${file}.new`, "x"));
await attempt("write elsewhere", () => Deno.writeTextFile(`${file}.new`, "x"));
await attempt("remove", () => Deno.removeSync(file));
await attempt("run a program", () => new Deno.Command("/bin/true").output());

call("socket unix", c.socket(1, 1, 0));
call("socket netlink", c.socket(16, 3, 0));
call("socket packet", c.socket(17, 3, 0));
call("socket raw", c.socket(2, 3, 1));
call("socket tcp", c.socket(2, 1, 0));
await attempt("low port", () => Deno.listen({ hostname: "127.0.0.1", port: 1 }).close());
call("kill init", c.kill(1, SIGWINCH)); // init ignores it, if it arrives
call("kill self", c.kill(Deno.pid, 0));
call("kill parent", c.kill(Deno.ppid, 0));
call("setns", c.setns(-1, 0));
call("setresuid", c.setresuid(0, 0, 0));
call("undump", c.prctl(4, 0n, 0n, 0n, 0n));
call("TIOCSTI", c.ioctl(0, 0x5412n, new Uint8Array(1)));
const NUMBERS = Deno.build.arch === "x86_64"
  ? {
    ptrace: 101,
    mount: 165,
    bpf: 321,
    keyctl: 250,
    unshare: 272,
    io_uring_setup: 425,
    fork: 57,
    x32_getpid: 0x4000_0027,
  }
  : { ptrace: 117, mount: 40, bpf: 280, keyctl: 219, unshare: 97, io_uring_setup: 425 };
// With these arguments each call would fail or do nothing if it were allowed: the errno shows what refused it.
if (sandbox) {
  for (const [name, number] of Object.entries(NUMBERS)) {
    call(name, c.syscallThird(BigInt(number), 0xffffn, 0n, null, 0n));
  }
}
try {
  const other = { uid: 4321, gid: 4321, groups: [] };
  confine({ user: other, sandbox: false, signals: [], rawIcmp: false, listensLater: false, removable: [] });
} catch (error) {
  note("another user", error instanceof Error ? error.message : String(error));
}

console.log(JSON.stringify(results));
await Deno.stdin.read(new Uint8Array(1));
Deno.exit(0);

async function attempt(name: string, action: () => unknown): Promise<void> {
  try {
    await action();
    note(name, "ok");
  } catch (error) {
    note(name, error instanceof Error && "code" in error && error.code ? String(error.code) : String(error));
  }
}

function call(name: string, result: number): void {
  note(name, result >= 0 ? "ok" : errnoName(errno()));
}
