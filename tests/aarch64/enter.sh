#!/usr/bin/env bash
# enter.sh COMMAND...: run COMMAND with $ROOT as its root, on the Arm processor $QEMU_CPU.
#
# /proc/cpuinfo is $CPUINFO: with that of another architecture onnxruntime and LiteRT crash. $SHARED
# is seen as /mnt. The network is that of this machine: a server on its loopback is reached by both.
# Without $ROOT COMMAND runs here, which shows that this machine has what it takes.
#
# Everything execs, in no namespace for processes, so that signals and exit codes are COMMAND's own.
set -euo pipefail
exec unshare --user --map-root-user --mount --propagation private -- bash -c '
    set -e
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    cat /usr/lib/binfmt.d/qemu-aarch64.conf > /proc/sys/fs/binfmt_misc/register
    [ -n "${ROOT:-}" ] || exec "$@"
    mount --rbind /proc "$ROOT/proc"
    mount --bind "$CPUINFO" "$ROOT/proc/cpuinfo"
    mount --rbind /sys "$ROOT/sys"
    mount --rbind /dev "$ROOT/dev"
    mount --bind "$SHARED" "$ROOT/mnt"
    exec chroot "$ROOT" /usr/bin/env -i QEMU_CPU="$QEMU_CPU" PATH=/usr/bin:/bin HOME=/root \
        LANG=C.UTF-8 PYTHONPATH=/mnt/site "$@"
' _ "$@"
