import { libc } from "../../../ffi/libc/libc.ts";
import { findUser, UnknownUser } from "../../../ffi/sandbox/users.ts";
import { assert, assertEquals, assertFields, assertThrows } from "../../assert.ts";

libc();

Deno.test("a user by name and by number, with all groups or the given one", () => {
  const lines = Deno.readTextFileSync("/etc/passwd").trim().split("\n").map((line) => line.split(":"));
  const [name, , uid, gid] = lines.find((line) => line[2] !== "0")!;
  const byName = findUser(name!);
  assertFields(byName, { uid: Number(uid), gid: Number(gid) });
  assert(byName.groups.includes(Number(gid)), JSON.stringify(byName));
  assertEquals(findUser(uid!), byName);
  assertEquals(findUser(`${name}:4321`), { uid: Number(uid), gid: 4321, groups: [4321] });
  const [group, , groupId] = Deno.readTextFileSync("/etc/group").trim().split("\n").at(-1)!.split(":");
  assertEquals(findUser(`12345:${group}`), { uid: 12345, gid: Number(groupId), groups: [Number(groupId)] });
});

Deno.test("an unknown user, and root", () => {
  for (
    const [text, message] of [
      ["none-of-that-name", "user: unknown user none-of-that-name"],
      ["", "user: unknown user "],
      ["4294967295", "user: unknown user 4294967295"],
      ["-1", "user: unknown user -1"],
      ["3999999999", "user: unknown userid 3999999999: its group must be said too, as in 3999999999:3999999999"],
      ["1:none-of-that-name", "user: unknown group none-of-that-name"],
      ["1:", "user: unknown group "],
      ["root", "must be another user than root"],
      ["0:5", "must be another user than root"],
      ["a\0b", "a name with a NUL"],
    ]
  ) {
    assertEquals(assertThrows(() => findUser(text), UnknownUser).message, message);
  }
});
