// SPDX-License-Identifier: MIT

public import Importing

/// A processor architecture for which LeafRoot has a PID 1.
public enum Architecture: String, CaseIterable, Codable, Sendable, CustomStringConvertible {
  case x86 = "x86_64"
  case arm = "aarch64"
  case riscv = "riscv64"

  /// The name, as used by uname(2) and QEMU.
  public var description: String { rawValue }

  /// The architecture of this process.
  public static var host: Architecture {
    #if arch(arm64)
      .arm
    #elseif arch(riscv64)
      .riscv
    #else
      .x86
    #endif
  }

  /// `e_machine` of an ELF file: EM_X86_64, EM_AARCH64, EM_RISCV in elf.h.
  package var elfMachine: UInt16 {
    switch self {
    case .x86: 62
    case .arm: 183
    case .riscv: 243
    }
  }

  /// `Machine` in a PE file; kernels with an EFI stub are PE files (linux/pe.h).
  package var peMachine: UInt16 {
    switch self {
    case .x86: 0x8664
    case .arm: 0xAA64
    case .riscv: 0x5064
    }
  }
}

extension Architecture {
  /// Creates the architecture for images of `platform`; nil if there is no PID 1 for it.
  public init?(_ platform: Platform) {
    guard
      let architecture = Self.allCases.first(where: {
        $0.platform.architecture == platform.architecture
      })
    else { return nil }
    self = architecture
  }

  /// The platform in container images.
  public var platform: Platform {
    switch self {
    case .x86: Platform(architecture: "amd64")
    case .arm: Platform(architecture: "arm64")
    case .riscv: Platform(architecture: "riscv64")
    }
  }
}
