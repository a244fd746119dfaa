/**
 * Runs a command in namespaces of its own, and sends its helper a signal a moment before the command starts, as Ctrl-C
 * at that moment would. Prints the outcome as JSON. (It is a program of its own because it adopts orphans.)
 *
 *     guest_program.ts SIGNAL COMMAND...
 *
 * @module
 */
import { GuestCommand, GuestError } from "../../../ffi/guest/guest_command.ts";
import { delay } from "../../../scripts/lab/timing.ts";

const [signal, ...command] = Deno.args;
const guest = GuestCommand.prepare({
  command,
  interface: "tun0",
  mtu: 1500,
  offload: true,
  resolvConf: null,
  descriptorLimit: 1024,
  userNamespace: false,
  keepIds: false,
  ownGroup: true,
  network: {
    mtu: 1500,
    ipv4: { address: "10.0.2.100", prefixLength: 24, gateway: "10.0.2.2" },
    ipv6: { address: "fd00::100", prefixLength: 64, gateway: "fd00::2" },
  },
});
try {
  guest.device({ add: () => ({ arm: () => {}, remove: () => {} }) });
  Deno.kill(helper(), signal as Deno.Signal);
  guest.start();
  let state = guest.state();
  for (; state.kind === "running"; state = guest.state()) await delay(5);
  console.log(JSON.stringify(state));
} catch (error) {
  if (!(error instanceof GuestError)) throw error;
  console.log(JSON.stringify({ error: error.message }));
} finally {
  guest.end();
}

/** The process id of the child with the helper's name. */
function helper(): number {
  const threads = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => name);
  const children = threads.flatMap((thread) => Deno.readTextFileSync(`/proc/self/task/${thread}/children`).split(" "));
  const found = children.find((pid) => {
    return pid !== "" && /helper_main/.test(Deno.readTextFileSync(`/proc/${pid}/cmdline`));
  });
  if (found === undefined) throw new Error("there is no helper");
  return Number(found);
}
