# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced after cache.sh: programs that run on any image, below /kit, with their own dynamic loader
# and libraries.

loader=/kit/lib/ld-linux-x86-64.so.2

needed() {
  readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'
}

# copy_libraries ELF FROM TO: what it needs, and what that needs.
copy_libraries() {
  for library in $(needed "$1"); do
    [ ! -e "$3/$library" ] || continue
    found=$(find "$2" -path "*/lib/x86_64-linux-gnu/$library" -print -quit)
    [ -n "$found" ] || die "${1##*/} needs $library: add its package"
    cp "$found" "$3/$library"
    copy_libraries "$3/$library" "$2" "$3"
  done
}

# add_program FILE FROM TREE: FILE of the unpacked packages FROM, in TREE's /kit. From Debian 13 on,
# packages have nothing in /bin and /sbin.
add_program() {
  file=$3/kit/bin/${1##*/}
  mkdir -p "$3/kit/bin" "$3/kit/lib"
  cp "$2/$1" "$file" 2>/dev/null || cp "$2/usr/$1" "$file"
  copy_libraries "$file" "$2" "$3/kit/lib"
  # A static program has no loader to set. The rpath is of the kind that also holds for the
  # libraries of libraries (not runpath), so that these need no change.
  [ -n "$(needed "$file")" ] || return 0
  patchelf --set-interpreter "$loader" --force-rpath --set-rpath /kit/lib "$file"
  [ -e "$3$loader" ] || die "libc.so.6 does not name ${loader##*/}"
}
