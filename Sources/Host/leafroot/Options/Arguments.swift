// SPDX-License-Identifier: MIT

// The conformances are public because their types are, so these imports must be public too.
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
