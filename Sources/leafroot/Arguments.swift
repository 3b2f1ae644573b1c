// SPDX-License-Identifier: MIT

// The conformance is public because its type is, and so these imports must be.
public import ArgumentParser
public import Initramfs

extension Architecture: ExpressibleByArgument {}
