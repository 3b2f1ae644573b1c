// SPDX-License-Identifier: MIT
//
// SwiftPM compiles nothing anew when the header of a system library changes, but it does when an
// object does that a target depends on. This one depends on the headers, whose guards leave nothing
// of them: it needs no system.
#define LEAFROOT_CLINUX_H
#define CCODECS_H
#define LEAFROOT_CARCHIVE_H
#include "../CArchive/CArchive.h"
#include "../../Shared/CCodecs/CCodecs.h"
#include "../../Shared/CLinux/CLinux.h"
