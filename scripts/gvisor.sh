#!/usr/bin/env bash
# A gVisor container whose only network is slirpnetstack. As root:
#
#     scripts/gvisor.sh [COMMAND [ARGUMENT...]]
#
# COMMAND runs in the container, on a read-only view of this machine's file system; it is a shell when not given.
#
# gVisor has a network stack of its own. When a container starts, runsc takes the addresses and routes of the devices in
# the container's network namespace for that stack, and the devices for its frames. So the namespace is made first, with a
# tap device that has addresses and routes. The program attaches to the other end of the device, as with any other guest,
# and only then does the container start: however short its command is, the network is there.
#
# "runsc run" makes the container, waits for its end, and ends with the status of the command. With "runsc start" and
# "runsc wait", the status of a command that ends before the wait begins would be lost.
set -euo pipefail

id=slirpnetstack-$$
bundle=
program=
container=

fail() {
  echo "gvisor.sh: $*" >&2
  exit 1
}

clean_up() {
  if [ -n "$container" ]; then
    runsc delete -force "$id" >/dev/null 2>&1 || true
    wait "$container" 2>/dev/null || true
  fi
  if [ -n "$program" ]; then
    kill "$program" 2>/dev/null || true
    wait "$program" 2>/dev/null || true
  fi
  ip netns delete "$id" 2>/dev/null || true
  if [ -n "$bundle" ]; then rm -rf -- "$bundle"; fi
}

for tool in runsc ip; do
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

# 1. The guest: a network namespace with the device.
[ $# -gt 0 ] || set -- sh
bundle=$(mktemp -d -t slirpnetstack-gvisor.XXXXXX)
ip netns add "$id"
ip -n "$id" -batch - <<'COMMANDS'
link set lo up
tuntap add mode tap name tun0
link set tun0 mtu 1500 up
address add 10.0.2.100/24 dev tun0
address add fd00::100/64 dev tun0 nodad
route add 0.0.0.0/0 via 10.0.2.2 dev tun0
route add ::/0 via fd00::2 dev tun0
COMMANDS

# 2. The program on the device. It writes a byte to descriptor 3 when traffic flows.
mkfifo "$bundle/ready"
"${slirpnetstack[@]}" -netns "/run/netns/$id" -interface tun0 -ready-fd 3 3>"$bundle/ready" >&2 &
program=$!
read -r -n 1 _ <"$bundle/ready" || fail "the program has not started"

# 3. An OCI bundle: the command, this machine's files, and that namespace. No terminal: the container's output is this
#    script's.
runsc spec -bundle "$bundle" -- "$@"
sed -i -e 's|"path": "rootfs"|"path": "/"|' -e 's|"terminal": true|"terminal": false|' \
  -e "s|\"type\": \"network\"|&, \"path\": \"/run/netns/$id\"|" "$bundle/config.json"

# 4. The container. In the background, so that a signal ends this script at once; its input is this script's all the same.
#    gVisor makes these files non-blocking for all who share them, which ends a shell that reads its commands from the same
#    pipe. So they are opened anew, as far as that is possible (a socket can't be).
(
  if [ -p /proc/self/fd/0 ] || [ -t 0 ]; then exec </proc/self/fd/0; fi
  if [ ! -S /proc/self/fd/1 ]; then exec >>/proc/self/fd/1; fi
  if [ ! -S /proc/self/fd/2 ]; then exec 2>>/proc/self/fd/2; fi
  exec runsc run -bundle "$bundle" "$id"
) <&0 &
container=$!
status=0
wait "$container" || status=$?
exit "$status"
