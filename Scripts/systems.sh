# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced after cache.sh: systems of Debian's suites as directories, all from one base for each suite,
# which debootstrap makes. Needs root.
#
#   systems/NAME/root   in the cache: to be copied, not to be changed
#
# shellcheck disable=SC2154 # what cache.sh sets

need_root() {
  [ "$(id -u)" -eq 0 ] || die 'needs root, for systems with owners and devices'
  command -v debootstrap >/dev/null || die 'no debootstrap: run Scripts/setup debootstrap'
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
  ' "$directory" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# copy_system NAME DIRECTORY: of the cache's, to be changed.
copy_system() {
  cp -a --reflink=auto "$cache/systems/$1/root" "$2"
}

# add_packages DIRECTORY PACKAGE…: into a system, by its own apt-get.
add_packages() {
  extended=$1
  shift
  cp /etc/resolv.conf "$extended/etc/resolv.conf"
  quietly in_chroot "$extended" apt-get -qq update
  quietly in_chroot "$extended" apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends \
    install "$@"
  rm -f "$extended"/var/cache/apt/archives/*.deb
}

# base_system SUITE: systems/SUITE, from the mirror that apt uses.
base_system() {
  need_root
  cached "systems/$1" '' bootstrap "$1"
}

bootstrap() {
  use_suite "$1" "$(dpkg --print-architecture)"
  # In namespaces, so that what it mounts ends with it.
  quietly unshare --mount debootstrap --variant=minbase --arch="$suite_architecture" \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$1" "$new/root" "$mirror"
  rm -f "$new"/root/var/cache/apt/archives/*.deb
}

# system NAME FROM PACKAGE…: systems/NAME, which is systems/FROM with the packages.
system() {
  name=$1 from=$2
  shift 2
  cached "systems/$name" "$from $*" extend "$from" "$@"
}

extend() {
  copy_system "$1" "$new/root"
  shift
  add_packages "$new/root" "$@"
}
