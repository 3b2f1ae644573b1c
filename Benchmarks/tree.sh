# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced after cache.sh: the tree of an image, in a directory. fakeroot keeps owners and devices
# without root.
#
# shellcheck disable=SC2154 # what cache.sh sets

# with_owners COMMAND…: the command sees and sets owners and devices, also those of earlier ones.
with_owners() {
  fakeroot -i "$work/owners" -s "$work/owners" -- "$@"
}

# unpack_tree IMAGE: as the kernel does, into $work/tree.
unpack_tree() {
  : >"$work/owners"
  quietly with_owners "${LEAFROOT:-$here/../build/bin/leafroot}" unpack "$1" "$work/tree"
}
