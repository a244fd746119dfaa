/**
 * Everything of `ffi/` that each start of the program (`program/`) uses.
 *
 * @module
 */
export { openDescriptors } from "./process/descriptors.ts";
export type { FrameDevice } from "./device/frame_device.ts";
export { reclaimMemory } from "./process/reclaim_memory.ts";
export { readFrames } from "./guest/guest_device.ts";
export { LibcHost } from "./host/libc_host.ts";
export { takeInherited, tellReady } from "./process/inherited_fd.ts";
export { closeWithParent, closeWithPeer, tellParent } from "./process/lifetime.ts";
export { allocate } from "./libc/memory.ts";
export { InheritedOutput } from "./process/inherited_output.ts";
export { OutputFile } from "./process/output_file.ts";
export { echoSockets } from "./ping/echo_socket.ts";
export { PingSockets } from "./ping/ping_sockets.ts";
export { Poller, type Polling } from "./poll/poller.ts";
export {
  environmentVariable,
  inheritedDescriptorLimit,
  parentPid,
  raiseDescriptorLimit,
  rawArguments,
  restoreTerminal,
} from "./process/process.ts";
export { sourceAddressTowards } from "./network/route.ts";
export { SIGTERM } from "./libc/constants/process.ts";
export { readTextFile } from "./libc/text_file.ts";
export { TunDevice } from "./device/tun_device.ts";
export { isWritable, WRITABLE_BYTES } from "./process/writable.ts";
