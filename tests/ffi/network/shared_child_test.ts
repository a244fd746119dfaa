import { libc } from "../../../ffi/libc/libc.ts";
import { MachineBlock } from "../../../ffi/libc/memory.ts";
import { openNumbers } from "../../../ffi/process/descriptors.ts";
import { callInSharedChild } from "../../../ffi/network/shared_child.ts";
import { assert, assertEquals } from "../../assert.ts";

libc();

const O_RDONLY_CLOEXEC = 0o2000000;

function path(text: string): MachineBlock {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const block = new MachineBlock(bytes.length);
  block.bytes.set(bytes);
  return block;
}

Deno.test("what the child opens is open here, in the order of its calls, and the child leaves nothing else", () => {
  const children = () => Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`);
  const before = openNumbers(), before2 = children();
  const open = (file: MachineBlock) => ({ name: "open", args: [file, O_RDONLY_CLOEXEC] } as const);
  const [one, two] = [path("/dev/null"), path("/dev/zero")];
  for (let round = 0; round < 20; round++) { // the collector of garbage may run in between
    assert(callInSharedChild([open(one), open(path("/no/such/file")), open(two)]));
    const opened = [...openNumbers().difference(before)];
    assertEquals(opened.map((fd) => Deno.readLinkSync(`/proc/self/fd/${fd}`)), ["/dev/null", "/dev/zero"]);
    for (const fd of opened) libc().close(fd);
  }
  assertEquals(children(), before2);
});

Deno.test("a process whose children are forgotten by the kernel makes the calls as well", () => {
  const SIGCHLD = 17, SIG_IGN = 1n;
  const before = openNumbers();
  const handler = libc().signal(SIGCHLD, SIG_IGN);
  try {
    assert(callInSharedChild([{ name: "open", args: [path("/dev/null"), O_RDONLY_CLOEXEC] }]));
  } finally {
    libc().signal(SIGCHLD, BigInt(Deno.UnsafePointer.value(handler)));
  }
  const opened = [...openNumbers().difference(before)];
  assertEquals(opened.length, 1);
  for (const fd of opened) libc().close(fd);
});
