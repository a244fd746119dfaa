/** Rootless buildah with this program in place of slirp4netns. */
import { HOST_LINK } from "../../../scripts/lab/lab.ts";
import { assertEquals } from "../../assert.ts";
import { e2eWith } from "../bed/bed.ts";
import { ContainerBed, ROOTFS, SLIRP4NETNS } from "../bed/container_bed.ts";

/** Makes a container of the bed's root file system, and runs a command in it. */
const BUILD = `
root=$1
shift
container=$(buildah from scratch)
buildah copy --quiet "$container" "$root" / > /dev/null
buildah run --isolation=rootless "$container" "$@"`;

e2eWith("buildah", "buildah: a step of a build reaches the world by name, and leaves no program behind", async () => {
  await using bed = await ContainerBed.create();
  const path = `PATH=${SLIRP4NETNS.replace(/\/[^/]*$/, "")}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const script = "wget -qO- http://world.test/ && ip -o -4 address show tap0 | awk '{ print $4 }'";
  const build = () => bed.run(["env", path, "sh", "-ec", BUILD, "sh", ROOTFS, "sh", "-c", script]);
  let built = await build();
  // buildah takes a program that is not ready within a second for one that has failed, which happens on a busy machine
  for (let again = 0; again < 5 && built.stderr.includes("slirp4netns failed"); again++) built = await build();
  assertEquals(built.code, 0, built.stderr);
  assertEquals(built.stdout, `Hello, ${HOST_LINK.v4}, this is the world.\n10.0.2.100/24\n`);
  await bed.noProgramLeft();
});
