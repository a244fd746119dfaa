/**
 * A virtual machine that boots in seconds: QEMU with a kernel and a BusyBox from Debian, which {@linkcode fetchMachine}
 * unpacks below bin/ and does not install.
 *
 * @module
 */
import { check } from "./process.ts";
import { PROJECT } from "./program.ts";

/** The folder of the kernel, BusyBox and modules. */
const FILES = `${PROJECT}bin/machine`;

/** Debian's package that depends on the current kernel for virtual machines, and that of a BusyBox without libc. */
const KERNEL = "linux-image-cloud-amd64", BUSYBOX = "busybox-static";

/** Modules for a virtio network device where the kernel lacks it; there may be fewer. */
const MODULES = new Set([
  ...["virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"],
  ...["dimlib", "failover", "net_failover", "virtio_net"],
]);

/** Whether {@linkcode fetchMachine} has run. */
export function hasMachine(): boolean {
  try {
    return Deno.statSync(FILES).isDirectory;
  } catch {
    return false;
  }
}

/** Downloads the packages with apt-get and unpacks what a machine needs. Rejects without them or without a network. */
export async function fetchMachine(): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-machine-" });
  try {
    const depends = await check(["apt-cache", "depends", KERNEL]);
    const kernel = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
    if (kernel === undefined) throw new Error(`the package ${KERNEL} depends on no kernel`);
    await check(["apt-get", "download", kernel, BUSYBOX], { cwd: directory, timeout: 300_000 });
    for (const { name } of Deno.readDirSync(directory)) {
      if (name.endsWith(".deb")) await check(["dpkg-deb", "--extract", name, "root"], { cwd: directory });
    }
    const [root, ready] = [`${directory}/root`, `${directory}/ready`];
    await Deno.mkdir(`${ready}/modules`, { recursive: true });
    await Deno.copyFile(`${root}/bin/busybox`, `${ready}/busybox`);
    await Deno.copyFile(`${root}/boot/${kernel.replace("linux-image-", "vmlinuz-")}`, `${ready}/vmlinuz`);
    for (const path of (await check(["find", root, "-name", "*.ko*"])).trim().split("\n")) {
      const name = path.slice(path.lastIndexOf("/") + 1);
      if (MODULES.has(name.replace(/\.ko.*/, ""))) await Deno.copyFile(path, `${ready}/modules/${name}`);
    }
    await Deno.mkdir(`${PROJECT}bin`, { recursive: true });
    await check(["cp", "-r", ready, `${FILES}.${Deno.pid}`]);
    await Deno.rename(`${FILES}.${Deno.pid}`, FILES);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * The command of an emulated machine that fetches these URLs and prints `fetched URL SHA256` for each: see
 * machine_init.sh.
 *
 * KVM is not used even where it exists: under nested virtualisation it may hang, and a boot takes 8 s without it.
 *
 * @param directory for its initramfs
 * @param network QEMU's options for a network with the id `net` and its device
 */
export async function machineCommand(
  directory: string,
  network: readonly string[],
  urls: readonly string[],
): Promise<string[]> {
  const root = `${directory}/machine`, archive = `${directory}/initramfs`;
  await Deno.mkdir(`${root}/bin`, { recursive: true });
  await Deno.mkdir(`${root}/lib`);
  await Deno.copyFile(`${FILES}/busybox`, `${root}/bin/busybox`);
  await check(["cp", "-r", `${FILES}/modules`, `${root}/lib/modules`]);
  await Deno.copyFile(new URL("machine_init.sh", import.meta.url), `${root}/init`);
  await Deno.chmod(`${root}/init`, 0o755);
  await check(["sh", "-c", 'cd "$1" && find . | busybox cpio -o -H newc > "$2"', "sh", root, archive]);
  return [
    ...["qemu-system-x86_64", "-machine", "accel=tcg", "-m", "256", "-nodefaults", "-no-user-config", "-no-reboot"],
    ...["-display", "none", "-serial", "stdio", "-kernel", `${FILES}/vmlinuz`, "-initrd", archive],
    ...["-append", `console=ttyS0 quiet panic=-1 fetch=${urls.join(",")}`],
    ...network,
  ];
}
