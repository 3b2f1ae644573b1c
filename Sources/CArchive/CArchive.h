// SPDX-License-Identifier: MIT

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <nettle/sha2.h>
