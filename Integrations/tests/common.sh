# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced by the tests of the tools, TOOL SUITE: a chroot of the suite with the tool, an image that
# the tool builds there, and boots of this image. `here` is this directory.
#
#   tool, codename   TOOL and SUITE
#   root             the chroot of this run
#   run              build/integrations/TOOL-SUITE: chroot, images, console logs
#   image            what `boot` boots
#
# shellcheck disable=SC2154 # what the callers set: here, image

. "$here/../../Scripts/cache.sh"
. "$here/../../Scripts/systems.sh"

tool=${0##*/}
codename=$1
top=$(cd "$here/../.." && pwd)
run=$top/build/integrations/$tool-$codename
package=$top/build/integrations/package
leaf='rdinit=/leafroot nonroot_initramfs'
disk=
machine=

trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

ok() {
  echo "ok    $tool $codename: $*"
}

fail() {
  echo "FAIL  $tool $codename: $*"
  [ ! -e "${log-}" ] || echo "      the console is in $log"
  exit 1
}

# chroot_with PACKAGE…: a fresh copy of the suite with the kernel, these packages and LeafRoot's. The
# cache keeps the chroot as the packages leave it.
chroot_with() {
  kept=integrations-$codename
  (
    open_cache
    base_system "$codename"
    system "$kept" "$codename" ca-certificates zstd linux-image-cloud-amd64
    system "$kept-$tool" "$kept" "$@"
  )

  rm -rf "$run"
  mkdir -p "$run"
  root=$run/root
  copy_system "$kept-$tool" "$root"
  cp -a "$package/." "$root"
  release=$(ls "$root/lib/modules")
  kernel=$root/boot/vmlinuz-$release
  make_check
}

# version_of PACKAGE: in the chroot
version_of() {
  # shellcheck disable=SC2016 # dpkg-query's variable
  in_chroot "$root" dpkg-query -W -f '${Version}' "$1"
}

# update_initramfs: makes $image with the chroot's initramfs-tools.
update_initramfs() {
  in_chroot "$root" update-initramfs -c -k "$release" >"$run/update-initramfs.log" 2>&1 ||
    fail "update-initramfs: see $run/update-initramfs.log"
  image=$root/boot/initrd.img-$release
}

# refuses_missing COMMAND…: it fails where PID 1 is missing.
refuses_missing() {
  mv "$root/usr/lib/leafroot" "$root/usr/lib/away"
  ! in_chroot "$root" "$@" >"$run/missing.log" 2>&1 || fail "$1 accepts a missing PID 1"
  mv "$root/usr/lib/away" "$root/usr/lib/leafroot"
}

# What the guest reports with: in an archive before the image, and on the disk.
make_check() {
  tree=$run/check
  mkdir -p "$tree/.check/old"
  install -t "$tree/.check" "$here/report" /bin/busybox
  install "$package/usr/lib/leafroot/leafroot-init.x86_64" "$tree/.check/check"
  newc "$tree" "$run/check.img"
}

# A disk with a root file system whose init reports.
make_disk() {
  tree=$run/disk
  mkdir "$tree"
  (cd "$tree" && mkdir -p sbin bin dev proc sys run tmp etc usr/lib root)
  cp -a "$run/check/.check" "$tree/.check"
  ln -s ../.check/report "$tree/sbin/init"
  ln -s ../.check/busybox "$tree/bin/sh"
  # systemd switches to nothing else.
  echo 'ID=check' >"$tree/etc/os-release"
  disk=$run/disk.img
  mke2fs -q -t ext4 -L leafroot-test -d "$tree" "$disk" 32M >"$run/mke2fs.log"
}

# boot NAME PARAMETERS [PROMPT]: boots $image until the machine ends. At PROMPT it starts the
# report. Emulated, because an existing /dev/kvm need not run a guest. With panic=, initramfs-tools
# reboots instead of starting a shell.
boot() {
  log=$run/$1.log
  # The kernel finds an archive after another one at a multiple of four bytes: newc pads to 512.
  cat "$run/check.img" "$image" >"$run/$1.initrd"
  : >"$log"
  rm -f "$run/keyboard"
  mkfifo "$run/keyboard"
  name=$1 parameters=$2 prompt=${3-}
  [ -n "$prompt" ] || parameters="panic=-1 $parameters"
  set -- timeout "${seconds:-400}" qemu-system-x86_64 -M q35 -accel tcg -cpu max \
    -m "${memory:-768}" -nographic -nic none -no-reboot -kernel "$kernel" -initrd "$run/$name.initrd" \
    -append "console=ttyS0 no_timer_check $parameters"
  [ -z "$disk" ] || set -- "$@" -drive "file=$disk,if=virtio,format=raw,snapshot=on"
  echo "$*" >"$run/$name.command"
  "$@" <"$run/keyboard" >"$log" 2>&1 &
  machine=$!
  exec 8<>"$run/keyboard"
  if [ -n "$prompt" ]; then
    while kill -0 "$machine" 2>/dev/null && ! grep -aqF "$prompt" "$log"; do sleep 1; done
    sleep 1
    kill -0 "$machine" 2>/dev/null && echo /.check/report >&8
  fi
  wait "$machine" || true
  machine=
  exec 8>&-
  rm -f "$run/keyboard" "$run/$name.initrd"
  tr -d '\r' <"$log" | grep -a '^report: ' >"$run/$name.report" || true
  report=$run/$name.report
}

# shows PATTERN SENTENCE: a line of the report has it.
shows() {
  grep -q "$1" "$report" || fail "$2"
}

# The root is a leaf, by mountinfo, by pivot_root(2) and by LeafRoot's own check.
is_leaf() {
  shows '^report: mount [0-9]* [0-9]* .* - tmpfs ' "$1: / is not a tmpfs"
  ! grep -Eq '^report: mount ([0-9]+) \1 ' "$report" || fail "$1: / is the root of the mount tree"
  shows '^report: pivot_root ok' "$1: pivot_root fails"
  shows '"asPromised":true' "$1: not as promised"
  shows '"below":{"entries":0,"sealed":true' "$1: rootfs is not empty and sealed"
  ! grep -q '^report: .*/leafroot$' "$report" || fail "$1: /leafroot remains"
  ok "$1: a leaf, pivot_root works, rootfs is empty"
}

# The root is what the kernel made, and /leafroot only a file.
is_rootfs() {
  shows '^report: mount \([0-9]*\) \1 ' "$1: / has a parent"
  shows '^report: pivot_root .*Invalid argument' "$1: pivot_root does not fail"
  shows '"isLeaf":false' "$1: a leaf"
  shows '^report: -rwxr-xr-x .* /leafroot$' "$1: no executable /leafroot"
  ok "$1: rootfs, as without LeafRoot"
}

# is_disk NAME [TYPE]: the image's init has switched to the disk, or another root.
is_disk() {
  shows "^report: mount .* - ${2:-ext4} " "$1: / is not ${2:-the disk}"
  shows '^report: pivot_root ok' "$1: pivot_root fails"
  ok "$1: the root is ${2:-the disk}, pivot_root works"
}

# boot_leaf, boot_stock NAME PARAMETERS [PROMPT]: boot with the leaf, of which PID 1 says on the
# console that it made it, or without.
boot_leaf() {
  boot "$1" "$leaf $2" "${3-}"
  grep -aq 'leafroot: moved .*; the root is a leaf' "$log" || fail "$1: PID 1 made no leaf"
}

boot_stock() {
  boot "$@"
  ! grep -aq 'leafroot: ' "$log" || fail "$1: PID 1 of LeafRoot ran"
}
