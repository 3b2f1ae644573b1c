// SPDX-License-Identifier: MIT

// The conformances are public because their types are, and so these imports must be.
public import ArgumentParser
public import BootEntries
public import Encoders
public import Importing
public import Machines
public import Packing

extension Architecture: ExpressibleByArgument {}
extension Loader: ExpressibleByArgument {}
extension Encoding.Compressor: ExpressibleByArgument {}

extension ByteSize: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension Platform: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
