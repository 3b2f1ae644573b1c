// SPDX-License-Identifier: MIT

#ifndef LEAFROOT_CARCHIVE_H
#define LEAFROOT_CARCHIVE_H

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <nettle/sha2.h>

#endif
