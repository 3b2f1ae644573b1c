# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced by the scripts beside it: the cache, how things get into it whole, and Debian packages
# without installing them. `work` is a private directory on the cache's file system, gone at exit.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/leafroot
LC_ALL=C
export LC_ALL
umask 022

say() {
  echo "${0##*/}: $*" >&2
}

die() {
  say "error: $*"
  exit 1
}

# One script at a time: `make -j` starts several, and each would download the same packages.
# Children that outlive us must not keep the lock, so start them with 9>&-.
open_cache() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  if ! flock -n 9; then
    say "waiting for another script that fills $cache"
    flock 9
  fi

  # We hold the lock, so whatever is left here belongs to a run that was killed.
  rm -rf "$cache"/work.*
  work=$(mktemp -d "$cache/work.XXXXXX")
  chmod 755 "$work"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
}

# publish FILE-OR-DIRECTORY NAME: NAME in the cache is the old one or the new one, never a part.
publish() {
  mkdir -p "$(dirname "$cache/$2")"
  if [ -d "$cache/$2" ]; then
    mkdir -p "$work/old"
    mv -T "$cache/$2" "$(mktemp -u "$work/old/XXXXXX")"
  fi
  mv -T "$1" "$cache/$2"
}

# cached NAME KEY COMMAND…: unless NAME in the cache was made from just this KEY, the command fills
# the directory $new, which is published as NAME. With an empty KEY any NAME will do: it says itself
# what it was made from, or it never changes.
cached() {
  if [ -d "$cache/$1" ] && [ "$2" = "$(cat "$cache/$1/made-from" 2>/dev/null)" ]; then
    return
  fi
  entry=$1 made_from=$2
  shift 2
  say "making $entry"
  new=$(mktemp -d "$work/new.XXXXXX")
  chmod 755 "$new"
  "$@"
  [ -z "$made_from" ] || echo "$made_from" >"$new/made-from"
  publish "$new" "$entry"
}

# key_of FILE…: a KEY for archives that the code in these files makes.
key_of() {
  echo "$(cat "$@" | sha256sum | cut -c 1-16) ${SOURCE_DATE_EPOCH:-0}"
}

# quietly COMMAND…: shows its output only if it fails. It does not keep the lock.
quietly() {
  "$@" >"$work/log" 2>&1 9>&- || {
    tail -n 20 "$work/log" >&2
    die "$1 failed"
  }
}

# What apt reads: the host's release for amd64 and arm64, or a suite for one architecture.
suite=
apt=$cache/apt/host

# use_suite SUITE DEBIAN-ARCH, use_host: what the functions below look into from now on.
use_suite() {
  use_host
  need_lists
  # Origin and label tell Debian's own archive from its security archive and from others'.
  # shellcheck disable=SC2016 # apt's variables
  mirror=$(private_apt apt-get indextargets \
    --format '$(ORIGIN):$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian:Debian //p' | head -n 1)
  [ -n "$mirror" ] || die "no mirror of Debian in /etc/apt: it is needed for Debian's $1"
  suite=$1
  suite_architecture=$2
  apt=$cache/apt/$1-$2
}

# first_suite DEBIAN-ARCH SUITE…: use_suite with the first whose lists are what its Release file
# signs. A mirror's may not be, for days, for an architecture that it brings up to date later.
first_suite() {
  architecture=$1
  shift
  for candidate in "$@"; do
    use_suite "$candidate" "$architecture"
    # In a subshell, so that it does not end this script.
    ! (need_lists) || return 0
  done
  die "none of Debian's suites $* has lists of packages for $architecture that can be verified"
}

use_host() {
  suite=
  apt=$cache/apt/host
}

# A private apt: needs no root, adds no foreign architecture to the host, and its empty status file
# makes it count nothing as installed. That file keeps its name and time: packages.bin is made anew
# whenever they change. Mirrors and keys are the host's; its hooks are not, they would clean up the
# host's own apt.
# -c comes after /etc/apt, so that this has the last word; APT_CONFIG would come before.
private_apt() {
  tool=$1
  shift
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  [ -e "$apt/status" ] || : >"$apt/status"
  cat >"$work/apt.conf" <<END
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::pkgcache "packages.bin";
Dir::Cache::srcpkgcache "sources.bin";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
  [ -z "$suite" ] || suite_configuration >>"$work/apt.conf"
  "$tool" -c "$work/apt.conf" "$@"
}

# An old release is no longer signed anew: its Release file is valid all the same.
suite_configuration() {
  cat >"$work/sources.list" <<END
deb [arch=$suite_architecture target=Packages signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main
END
  cat <<END
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
#clear APT::Architectures;
APT::Architectures { "$suite_architecture"; };
APT::Architecture "$suite_architecture";
Acquire::Check-Valid-Until "false";
Acquire::PDiffs "false";
END
}

# The lists of packages are fetched once, and again when a mirror no longer has what they name.
# apt-get update exits 0 also when it reached nothing.
update_lists() {
  say "fetching the lists of packages${suite:+ of $suite for $suite_architecture}"
  private_apt apt-get -qq update
  [ -n "$(private_apt apt-cache pkgnames linux-)" ] ||
    die "apt-get update found no packages: no network, or no Debian mirror in /etc/apt?"
  : >"$apt/updated"
}

need_lists() {
  [ -e "$apt/updated" ] || update_lists
}

# download PACKAGE…: each into packages/ in the cache; apt-get checks sizes and checksums, also of
# what is there already. Prints the files' paths.
download() {
  need_lists
  mkdir -p "$cache/packages"
  if ! (cd "$cache/packages" && private_apt apt-get -qq download "$@" >&2); then
    update_lists
    (cd "$cache/packages" && private_apt apt-get -qq download "$@" >&2)
  fi
  private_apt apt-get --print-uris download "$@" >"$work/uris"
  # 'URI' FILE SIZE CHECKSUM
  sed -n "s|^'[^']*' \([^ ]*\) .*|$cache/packages/\1|p" "$work/uris"
}

# unpack DIRECTORY PACKAGE…
unpack() {
  directory=$1
  shift
  mkdir -p "$directory"
  download "$@" >"$work/files"
  while IFS= read -r file; do
    dpkg -x "$file" "$directory"
  done <"$work/files"
}

# unpacked FORMAT: a line for each package that was unpacked last, as dpkg-deb --showformat has it.
unpacked() {
  while IFS= read -r file; do
    dpkg-deb -W --showformat "$1\n" "$file"
  done <"$work/files"
}

# newc TREE OUT: the tree as one raw initramfs segment, owned by root, without our times in it; the
# same tree gives the same bytes. Sorting puts directories before what is in them.
newc() {
  find "$1" -mindepth 1 -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +
  (cd "$1" && find . -mindepth 1 -printf '%P\0' | sort -z |
    cpio --quiet -o -0 -H newc --reproducible -R +0:+0) >"$2"
}

# archive TREE OUT [LEVEL]: the same, compressed with zstd.
archive() {
  newc "$1" "$2.cpio"
  zstd -q "-${3:-10}" -T1 --rm "$2.cpio" -o "$2"
}
