// SPDX-License-Identifier: MIT

#include "CRevision.h"

const char *leafroot_commit(void) { return LEAFROOT_COMMIT; }
