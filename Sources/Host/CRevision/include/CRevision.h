// SPDX-License-Identifier: MIT
//
// The commit of this build: SwiftPM passes a value from a manifest to C only.

#ifndef CREVISION_H
#define CREVISION_H

/// The commit that the tool was built from; empty if the build did not know it.
const char *leafroot_commit(void);

#endif
