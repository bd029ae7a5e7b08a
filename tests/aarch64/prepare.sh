#!/usr/bin/env bash
# prepare.sh FOLDER: a 64-bit Arm Debian in FOLDER/root, for the tests beside this file.
#
# Installs an emulator by apt where it is missing. Where this machine cannot, FOLDER/cannot says why
# and the tests are skipped with that reason. Nothing is registered or mounted outside a namespace.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$folder/root
mkdir -p "$folder"
rm -f "$folder/cannot"

cannot() {
    echo "$1" | tee "$folder/cannot"
    exit 0
}

[ "$(uname -s)" = Linux ] || cannot "no Linux"
command -v unshare > /dev/null || cannot "no unshare (package util-linux)"
if ! { command -v qemu-aarch64-static && command -v mmdebstrap; } > /dev/null; then
    command -v apt-get > /dev/null || cannot "no qemu-user-static and mmdebstrap, and no apt to get them"
    [ "$(id -u)" = 0 ] || cannot "apt-get install qemu-user-static mmdebstrap needs root"
    export DEBIAN_FRONTEND=noninteractive
    install=(apt-get -o DPkg::Lock::Timeout=120 install -qq -y --no-install-recommends)
    "${install[@]}" qemu-user-static mmdebstrap > "$folder/apt.log" 2>&1 \
        || { apt-get update -qq && "${install[@]}" qemu-user-static mmdebstrap; } > "$folder/apt.log" 2>&1 \
        || cannot "apt-get cannot install qemu-user-static and mmdebstrap: $folder/apt.log"
fi
[ "$(id -u)" = 0 ] || cannot "mmdebstrap --mode=root needs root"
bash "$here/enter.sh" true || cannot "no binfmt_misc in a user namespace (Linux 6.7 and later have it)"

if [ ! -e "$root/.whole" ]; then
    rm -rf "$root"
    mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2> /dev/null | head -1 || true)
    [ -n "$mirror" ] || cannot "no Debian mirror in /etc/apt/sources.list.d/debian.sources"
    packages=base-files,base-passwd,libc-bin,coreutils,dash,python3,libgomp1,libstdc++6
    # Unpacked but not configured: nothing emulated runs, which would take minutes.
    mmdebstrap -q --mode=root --variant=extract --arch=arm64 --include=$packages \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        bookworm "$root" "deb $mirror bookworm main" \
        > "$folder/root.log" 2>&1 || cannot "mmdebstrap failed: $folder/root.log"
    for name in passwd group; do
        cp "$root/usr/share/base-passwd/$name.master" "$root/etc/$name"
    done
    mkdir -p "$root/mnt"
    touch "$root/.whole"
fi
