/**
 * All of `ffi/` that the program's main module uses.
 *
 * @module
 */
export { openDescriptors } from "./descriptors.ts";
export { ENOENT, ENOTDIR, errnoText, SystemError } from "./errors.ts";
export type { FrameDevice } from "./frame_device.ts";
export { reclaimMemory } from "./garbage.ts";
export { GuestCommand, type GuestCommandRequest, GuestError, mayMakeNamespaces } from "./guest.ts";
export { openGuestDevice, readFrames } from "./guest_device.ts";
export { runHelper } from "./helper.ts";
export { HELPER_WORD } from "./helper_protocol.ts";
export { LibcHost } from "./host_libc/host.ts";
export { takeInherited, tellReady } from "./inherited_fd.ts";
export { follow, handSignalsOn, Terminal } from "./job.ts";
export { closeWithParent, closeWithPeer, tellParent } from "./lifetime.ts";
export { allocate } from "./memory.ts";
export { OutputFile } from "./output_file.ts";
export { echoSockets } from "./echo_socket.ts";
export { PingSockets } from "./ping.ts";
export { Poller, type Polling } from "./poller.ts";
export {
  environmentVariable,
  inheritedDescriptorLimit,
  parentPid,
  raiseDescriptorLimit,
  rawArguments,
  restoreTerminal,
  SIGTERM,
} from "./process.ts";
export { confine } from "./sandbox/confine.ts";
export { findUser } from "./sandbox/users.ts";
export { openSocketDevice } from "./socket_device.ts";
export { SourceAddresses } from "./source_address.ts";
export { readTextFile, readTextFileIfThere } from "./text_file.ts";
export { TunDevice } from "./tun_device.ts";
export { isWritable, WRITABLE_BYTES } from "./writable.ts";
