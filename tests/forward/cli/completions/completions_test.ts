import { check } from "../../../../scripts/lab/process.ts";
import { completions, SCRIPTS } from "../../../../forward/cli/completions/completions.ts";
import type { Shell } from "../../../../forward/cli/completions/words.ts";
import { COMMANDS } from "../../../../forward/cli/help/commands.ts";
import { assert, assertEquals, assertStringIncludes } from "../../../assert.ts";
import { isInstalled, needs } from "../../../e2e/bed/installed.ts";

const FLAGS = Object.keys(COMMANDS[0].flags);

/** Registers a test with a shell, of a file with its script. */
function withShell(shell: Shell, name: string, run: (script: string) => Promise<void>): void {
  Deno.test({
    name: `completions: ${shell}: ${name}${needs(shell)}`,
    ignore: !isInstalled(shell),
    async fn() {
      const script = await Deno.makeTempFile({ prefix: "slirpnetstack-completions-" });
      try {
        await Deno.writeTextFile(script, SCRIPTS[shell]());
        await run(script);
      } finally {
        await Deno.remove(script);
      }
    },
  });
}

Deno.test("completions: each shell has a script, and an unknown shell is an error", () => {
  for (const shell of ["bash", "zsh", "fish"] as const) {
    assertEquals(completions([shell]), { kind: "text", text: SCRIPTS[shell]() });
    for (const flag of FLAGS) assertStringIncludes(SCRIPTS[shell](), flag);
  }
  const message = (...args: string[]) => {
    const outcome = completions(args);
    return outcome.kind === "error" ? outcome.message : "none";
  };
  assertEquals(message("fihs"), 'no completions for "fihs"\nDid you mean `slirpnetstack completions fish`?\n');
  assertEquals(message("cmd"), 'no completions for "cmd"\nShells are: bash, zsh, fish.\n');
  assertEquals(message(), "completions takes the name of a shell\nShells are: bash, zsh, fish.\n");
  assertEquals(message("bash", "zsh"), "completions takes the name of a shell\nShells are: bash, zsh, fish.\n");
});

withShell("bash", "offers flags, values and words", async (script) => {
  // As bash calls it: words are broken at "=" too. compopt only works within a completion.
  const words = async (...line: string[]) => {
    const call = 'source "$1"; shift; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _slirpnetstack; ' +
      'printf "%s\\n" "${COMPREPLY[@]}"';
    return (await check(["bash", "--norc", "-c", call, "bash", script, "slirpnetstack", ...line])).trim().split("\n");
  };
  assertEquals(await words("-netn"), ["-netns"]);
  assertEquals(await words("--netn"), ["--netns"]);
  assertEquals((await words("-")).toSorted(), [...FLAGS, "h", "help"].map((flag) => `-${flag}`).toSorted());
  assertEquals(await words("-quiet", "-icmp", ""), ["local", "auto", "off"]);
  assertEquals(await words("-icmp", "=", "au"), ["auto"]);
  assertEquals(await words("-icmp", "="), ["local", "auto", "off"]);
  assertEquals(await words("-L", "udpr"), ["udprpc://"]);
  assertEquals(await words("-mtu", ""), [""]);
  assertEquals(await words("-pcap", script.slice(0, -1)), [script]);
  assertEquals(await words("-interface", "tun"), ["tun0"]);
  assert((await words("-netns", "/proc/self")).every((path) => path === ""));
  assert((await words("-netns", `/proc/${Deno.pid}/`)).includes(`/proc/${Deno.pid}/ns/net`));
  assertEquals(await words("he"), ["help"]);
  assertEquals(await words("help", "pol"), ["policy"]);
  assertEquals(await words("help", "-pca"), ["-pcap"]);
  assertEquals(await words("help", "policy", "-"), [""]);
  assertEquals(await words("completions", ""), ["bash", "zsh", "fish"]);
  assertEquals(await words("top", ""), ["tcp://", "unix://"]);
  assertEquals(await words("run", "-user-k"), ["-user-keep"]);
  assertEquals(await words("run", "-icmp", "=", "au"), ["auto"]);
  assertEquals(await words("run", "-icmp", "au"), ["auto"]);
  for (const before of [[], ["-quiet"], ["-icmp", "auto"], ["-icmp", "=", "auto"], ["--"]]) {
    assert((await words("run", ...before, "ech")).includes("echo"), before.join(" "));
  }
  assertEquals(await words("run", "cat", "-netn"), [""], "a flag of the user's command");
});

withShell("fish", "offers flags, values and words", async (script) => {
  const words = async (line: string) => {
    const said = await check(["fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', script, line]);
    return said.split("\n").filter((line) => line !== "").map((line) => line.split("\t")[0]);
  };
  assertEquals(await words("slirpnetstack -netn"), ["-netns"]);
  assertEquals(await words("slirpnetstack --netn"), ["--netns"]);
  assertEquals((await words("slirpnetstack -quiet -icmp ")).toSorted(), ["auto", "local", "off"]);
  assertEquals(await words("slirpnetstack -icmp=au"), ["-icmp=auto"]);
  assertEquals(await words("slirpnetstack -L udpr"), ["udprpc://"]);
  assertEquals(await words(`slirpnetstack -pcap ${script.slice(0, -1)}`), [script]);
  assertEquals(await words("slirpnetstack he"), ["help"]);
  assertEquals(await words("slirpnetstack help pol"), ["policy"]);
  assertEquals(await words("slirpnetstack help -pca"), ["-pcap"]);
  assertEquals((await words("slirpnetstack completions ")).toSorted(), ["bash", "fish", "zsh"]);
  assertEquals((await words("slirpnetstack top ")).toSorted(), ["tcp://", "unix://"]);
  assertEquals(await words("slirpnetstack run -user-k"), ["-user-keep"]);
  assert((await words("slirpnetstack run ech")).includes("echo"));
});

/** Types into a zsh on a terminal: its completion works nowhere else. Says what the line is in the end. */
const ZSH = `
import os, pty, sys, select
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", PS1="")
    os.execvp("zsh", ["zsh", "-f", "-i"])
def until(mark):
    said = b""
    while mark not in said:
        if not select.select([fd], [], [], 20)[0]: sys.exit("no " + repr(mark) + " in " + repr(said))
        said += os.read(fd, 65536)
    return said.decode()
os.write(fd, ("autoload -Uz compinit; compinit -u -D; source %s; show() { print -r -- \\"<$BUFFER>\\"; }; zle -N show; "
              "bindkey '^X' show; print rea''dy\\n" % sys.argv[1]).encode())
until(b"ready\\r")
for line in sys.argv[2:]:
    os.write(fd, (line + "\\t\\x18").encode())
    said = until(b">")
    print(said[said.rindex("<") + 1:said.rindex(">")])
    os.write(fd, b"\\x15")
os.kill(pid, 9)
`;

withShell("zsh", "offers flags, values and words", async (script) => {
  const lines = [
    ["-netn", "-netns="],
    ["--netn", "--netns="],
    ["-quiet -icmp au", "-quiet -icmp auto"],
    ["-icmp=au", "-icmp=auto"],
    ["-L udpr", "-L udprpc://"],
    [`-pcap ${script.slice(0, -1)}`, `-pcap ${script}`],
    ["he", "help"],
    ["help pol", "help policy"],
    ["completions z", "completions zsh"],
    ["top uni", "top unix://"],
    ["run -user-k", "run -user-keep"],
    ["run -quiet chroo", "run -quiet chroot"],
  ] as const;
  const typed = lines.map(([line]) => `slirpnetstack ${line}`);
  const said = await check(["python3", "-c", ZSH, script, ...typed], { timeout: 60_000 });
  assertEquals(said.trim().split("\n").map((line) => line.trim()), lines.map(([, line]) => `slirpnetstack ${line}`));
});
