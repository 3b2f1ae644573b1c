# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced by the tests of the tools: a chroot of a Debian suite with the tool, an image that the
# tool builds there, and boots of this image. `here` is this directory.
#
#   root   the chroot of this run
#   run    build/integrations/TOOL-SUITE: chroot, images, console logs
#   image  what `boot` boots
#
# shellcheck disable=SC2154 # what the callers set: here, tool, codename, run, image

# shellcheck source-path=SCRIPTDIR source=../../Scripts/cache.sh
. "$here/../../Scripts/cache.sh"

top=$(cd "$here/../.." && pwd)
package=$top/build/integrations/package
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

# in_chroot DIRECTORY COMMAND…: as root, with mounts that end with the command. The directory is the
# root of a mount tree of its own, since mkosi itself calls pivot_root(2) and makes namespaces.
in_chroot() {
  directory=$1
  shift
  # shellcheck disable=SC2016 # for the inner shells
  unshare --mount --pid --fork --kill-child sh -euc '
    mount --bind "$0" "$0"
    cd "$0"
    mount -t proc proc proc
    mount -t sysfs -o ro sys sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 dev dev
    for device in null:3 zero:5 full:7 random:8 urandom:9; do
      mknod -m 666 "dev/${device%:*}" c 1 "${device#*:}"
    done
    mknod -m 666 dev/tty c 5 0
    ln -s /proc/self/fd dev/fd
    mkdir dev/shm dev/pts
    mount -t tmpfs shm dev/shm
    mount -t devpts -o newinstance,ptmxmode=666 pts dev/pts
    ln -s pts/ptmx dev/ptmx
    mount -t tmpfs tmp tmp
    mount -t tmpfs run run
    pivot_root . mnt
    exec chroot . /bin/sh -c "umount -l /mnt && exec \"\$@\"" sh "$@"
  ' "$directory" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
    DEBIAN_FRONTEND=noninteractive "$@"
}

# chroot_with PACKAGE…: a fresh copy of the suite with the kernel and these packages. The cache
# keeps the chroot as the packages leave it.
chroot_with() {
  cached=integrations/$codename-$tool
  if [ "$*" != "$(cat "$cache/$cached/packages" 2>/dev/null)" ]; then
    (
      open_cache
      base=integrations/$codename-base
      use_suite "$codename" amd64
      if [ ! -d "$cache/$base" ]; then
        say "making a chroot of $codename"
        unshare --mount debootstrap --variant=minbase \
          --include=ca-certificates,zstd,linux-image-cloud-amd64 \
          "$codename" "$work/base" "$mirror" >"$work/log" 9>&- || {
          tail -n 20 "$work/log" >&2
          die "debootstrap has failed"
        }
        publish "$work/base" "$base"
      fi
      say "installing $*"
      mkdir "$work/new"
      cp -a "$cache/$base" "$work/new/root"
      cp /etc/resolv.conf "$work/new/root/etc/resolv.conf"
      in_chroot "$work/new/root" apt-get -qq update 9>&-
      in_chroot "$work/new/root" apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends \
        install "$@" >"$work/log" 2>&1 9>&- || {
        tail -n 20 "$work/log" >&2
        die "apt-get has failed"
      }
      echo "$*" >"$work/new/packages"
      publish "$work/new" "$cached"
    )
  fi

  rm -rf "$run"
  mkdir -p "$run"
  root=$run/root
  cp -a --reflink=auto "$cache/$cached/root" "$root"
  release=$(ls "$root/lib/modules")
  kernel=$root/boot/vmlinuz-$release
  make_check
}

# What the guest reports with: in an archive before the image, and on the disk.
make_check() {
  tree=$run/check
  mkdir -p "$tree/.check/old"
  cp "$here/report" "$tree/.check/report"
  cp /bin/busybox "$tree/.check/busybox"
  cp "$package/usr/lib/leafroot/leafroot-init.x86_64" "$tree/.check/check"
  chmod 755 "$tree/.check"/[rbc]*
  newc "$tree" "$run/check.img"
}

# A disk with a root file system whose init reports.
make_disk() {
  tree=$run/disk
  mkdir -p "$tree/sbin" "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/run" "$tree/tmp" \
    "$tree/etc" "$tree/usr/lib" "$tree/root"
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

# made_leaf NAME: PID 1 says so on the console.
made_leaf() {
  grep -aq 'leafroot: moved .*; the root is a leaf' "$log" || fail "$1: PID 1 made no leaf"
}

made_no_leaf() {
  ! grep -aq 'leafroot: ' "$log" || fail "$1: PID 1 of LeafRoot ran"
}
