#!/bin/bash
# SPDX-License-Identifier: MIT
#
# dracut module: puts LeafRoot's PID 1 into the image, as /leafroot. It runs only if the kernel
# command line names it (rdinit=/leafroot). dracut calls the functions.

# Prints the path of the program for the image's architecture.
leafroot_program() {
    local directory architecture=${DRACUT_ARCH:-$(uname -m)}
    for directory in /usr/lib/leafroot /usr/local/lib/leafroot; do
        if [[ -e ${dracutsysrootdir-}$directory/leafroot-init.$architecture ]]; then
            echo "${dracutsysrootdir-}$directory/leafroot-init.$architecture"
            return 0
        fi
    done
    derror "leafroot: no leafroot-init.$architecture in /usr/lib/leafroot or /usr/local/lib/leafroot"
    return 1
}

# Only where it is asked for: --add leafroot, or add_dracutmodules+=" leafroot ".
check() {
    leafroot_program > /dev/null || return 1
    return 255
}

depends() {
    return 0
}

# Not inst: it keeps the mode, and the file must not be executable on this machine.
install() {
    local program
    program=$(leafroot_program) || return 1
    # shellcheck disable=SC2154 # initdir is dracut's
    command install -p -m 755 "$program" "$initdir/leafroot"
}
