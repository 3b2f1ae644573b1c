// SPDX-License-Identifier: MIT

// The conformance is public because its type is, and so these imports must be.
public import ArgumentParser
import Initramfs
public import Packing

extension Architecture: ExpressibleByArgument {}
