// SPDX-License-Identifier: MIT

// The conformances are public because their types are, and so these imports must be.
public import ArgumentParser
public import BootEntries
public import Packing

extension Architecture: ExpressibleByArgument {}
extension Loader: ExpressibleByArgument {}
