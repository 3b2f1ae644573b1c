// SPDX-License-Identifier: MIT

import Images
import Initramfs
import Samples
import TestSupport
import Testing

/// What a kernel was built with. InspectionTests compare images with it.
@Suite struct KernelConfigTests {
  @Test func `a kernel's configuration tells its version, and what is built in`() throws {
    let directory = try TemporaryDirectory()
    let text = """
      # Automatically generated file; DO NOT EDIT.
      # Linux/x86 6.1.192 Kernel Configuration
      CONFIG_A=y
      CONFIG_B=m
      CONFIG_C="y"
      CONFIG_E=yes
      # CONFIG_D is not set
      # Linux/arm64 5.4.1 Kernel Configuration

      """
    let config = try KernelConfig(directory.file("config", Array(text.utf8)))
    #expect(config.version == KernelVersion(6, 1, 192))
    #expect(["A", "B", "C", "D", "E"].filter { config.has("CONFIG_\($0)") } == ["A"])
    #expect(
      try KernelConfig(directory.file("config", Array("CONFIG_A=y\n".utf8))).version == nil)
  }

  @Test func `of a kernel's configuration 16 MiB are read, and no more is unzipped`() throws {
    let directory = try TemporaryDirectory()
    let (first, last) = (Array("CONFIG_A=y\n#".utf8), Array("\nCONFIG_B=y".utf8))
    func config(_ size: Int, _ options: String...) throws -> KernelConfig {
      let filler = [UInt8](repeating: 0x23, count: size - first.count - last.count)
      let text = first + filler + last
      let bytes = options.isEmpty ? text : try filter(text, "gzip", "-1c")
      return try KernelConfig(directory.file("config", bytes))
    }
    #expect(try config(16 << 20).has("CONFIG_B"))
    #expect(try !config((16 << 20) + 1).has("CONFIG_B"))
    #expect(try config(16 << 20, "gzip").has("CONFIG_B"))
    let bomb = try config(18 << 20, "gzip")
    #expect(bomb.has("CONFIG_A") && !bomb.has("CONFIG_B"))
  }
}
