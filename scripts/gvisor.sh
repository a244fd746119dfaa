#!/usr/bin/env bash
# A gVisor container whose only network is slirpnetstack. As root:
#
#     scripts/gvisor.sh [COMMAND [ARGUMENT...]]
#
# COMMAND runs in the container, on a read-only view of this machine's file system; it is a shell when not given.
#
# gVisor has a network stack of its own. When a container starts, runsc takes the addresses and routes of the devices in
# the container's network namespace for that stack, and the devices for its frames. So the tap device has to be there,
# with addresses and routes, after "runsc create" (which makes the namespace) and before "runsc start". Then our program
# attaches to the other end of the device, as with any other guest.
set -euo pipefail

id=slirpnetstack-$$
bundle=
program=

fail() {
  echo "gvisor.sh: $*" >&2
  exit 1
}

clean_up() {
  if [ -n "$program" ]; then kill "$program" 2>/dev/null || true; fi
  if [ -n "$bundle" ]; then
    runsc delete -force "$id" >/dev/null 2>&1 || true
    rm -rf -- "$bundle"
  fi
}

for tool in runsc ip nsenter; do
  command -v "$tool" >/dev/null || fail "$tool is missing; runsc is at https://gvisor.dev/docs/user_guide/install/"
done
[ "$(id -u)" -eq 0 ] || fail "this needs root"

here=$(cd "$(dirname "$0")/.." && pwd)
if [ -n "${SLIRPNETSTACK_BIN:-}" ]; then
  slirpnetstack=("$SLIRPNETSTACK_BIN")
elif command -v deno >/dev/null; then
  slirpnetstack=(deno task --quiet --cwd "$here" start)
else
  command -v npx >/dev/null || fail "neither deno nor npx found: install Deno, or node and npm"
  slirpnetstack=(npx --yes deno@2.9.6 task --quiet --cwd "$here" start)
fi

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# 1. An OCI bundle: the command, and this machine's files. No terminal: the container's output is this script's.
[ $# -gt 0 ] || set -- sh
bundle=$(mktemp -d -t slirpnetstack-gvisor.XXXXXX)
runsc spec -bundle "$bundle" -- "$@"
sed -i -e 's|"path": "rootfs"|"path": "/"|' -e 's|"terminal": true|"terminal": false|' "$bundle/config.json"

# 2. The container, not running yet, and with it its network namespace.
runsc create -bundle "$bundle" "$id"
pid=$(runsc state "$id" | sed -n 's/^ *"pid": *\([0-9][0-9]*\).*/\1/p')
[ -n "$pid" ] || fail "runsc state says no process id for $id"

# 3. The device in that namespace.
nsenter --net="/proc/$pid/ns/net" ip -batch - <<'COMMANDS'
link set lo up
tuntap add mode tap name tun0
link set tun0 mtu 1500 up
address add 10.0.2.100/24 dev tun0
address add fd00::100/64 dev tun0 nodad
route add 0.0.0.0/0 via 10.0.2.2 dev tun0
route add ::/0 via fd00::2 dev tun0
COMMANDS

# 4. The container starts, and then the program on its device.
runsc start "$id"
"${slirpnetstack[@]}" -netns "/proc/$pid/ns/net" -interface tun0 >&2 &
program=$!

# 5. Until the command has ended; its status is this script's.
status=$(runsc wait "$id" | sed -n 's/.*"exitStatus": *\([0-9][0-9]*\).*/\1/p')
exit "${status:-1}"
