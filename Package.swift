// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// One package, two worlds. What is `shared` is compiled twice from the same
// files: as ordinary Swift for the host tool and the tests, and as Embedded Swift for PID 1. One
// build cannot mix the two modes, so the Makefile asks for the guest's half with LEAFROOT_GUEST=1;
// the host's half never holds an executable that could move a root file system.
let isGuest = Context.environment["LEAFROOT_GUEST"] == "1"

/// Settings of everything: warnings are errors; unsafe C and pointer code is marked.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Of the host's modules with loops that take time: make compiles the tool, and the packages that it
/// depends on, with -Osize. The driver passes the last -O of its options on, and ours behind it.
let fast: [SwiftSetting] =
  isGuest ? [] : [.unsafeFlags(["-Xfrontend", "-O"], .when(configuration: .release))]

/// Settings of what must also compile as Embedded Swift: the host build refuses what it lacks.
let embeddable =
  strict + fast + [
    .treatWarning("EmbeddedRestrictions", as: .error)
  ]

let shared: [Target] = [
  .systemLibrary(name: "CCodecs"),
  .systemLibrary(name: "CLinux"),
  .target(name: "CHeaders"),
  .target(name: "Compression", dependencies: ["CCodecs"], swiftSettings: embeddable),
  .target(name: "Leaf", swiftSettings: embeddable),
  .target(name: "Evidence", dependencies: ["CLinux", "Leaf"], swiftSettings: embeddable),
  .target(name: "Newc", swiftSettings: embeddable),
  .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: embeddable),
  .target(name: "Tree", dependencies: ["CLinux", "Threads"], swiftSettings: embeddable),
  .target(
    name: "Initramfs", dependencies: ["Newc", "Compression", "Threads"], swiftSettings: embeddable),
  .target(
    name: "Unpacking",
    dependencies: [
      "CLinux", "Compression", "Evidence", "Initramfs", "Leaf", "Newc", "Threads", "Tree",
    ],
    swiftSettings: embeddable),
]

let guest: [Target] = [
  .target(
    name: "Guest",
    dependencies: ["CLinux", "Evidence", "Leaf", "Threads", "Tree", "Unpacking"],
    swiftSettings: strict),
  .executableTarget(
    name: "leafroot-init", dependencies: ["Evidence", "Guest", "GuestLinkage"],
    swiftSettings: strict),
  // What the tests look at trees with, on both sides of the console.
  .executableTarget(
    name: "census", dependencies: ["CLinux"], path: "Tests/Census", swiftSettings: strict),
  // The decoders of Scripts/build-decoders, and what they and Swift want of others. The module map
  // of CCodecs names the libraries that the host links: for a triple without a system nobody reads
  // it.
  .target(
    name: "GuestLinkage", dependencies: ["CLinux"], swiftSettings: strict,
    linkerSettings: [.linkedLibrary("decoders")]),
  // What the tests compare the host's decoders with.
  .executableTarget(
    name: "guest-unpack",
    dependencies: [
      "CLinux", "GuestLinkage", "Compression", "Evidence", "Initramfs", "Newc", "Tree", "Unpacking",
    ],
    path: "Tests/GuestUnpack", swiftSettings: strict),
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// How the release of the tool is linked: the compressors' libraries from build/static, if make has
/// put archives there, and without what only a library or a thrown C++ exception needs. Here, and
/// not in the Makefile, since flags of the command line compile everything anew.
let slim = LinkerSetting.unsafeFlags(
  [
    "-use-ld=lld", "-L\(Context.packageDirectory)/build/static",
    "-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
    "-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/Toolsets/release.ld",
  ], .when(configuration: .release))

/// The commit of this build, from the Makefile.
let commit = Context.environment["LEAFROOT_COMMIT"] ?? ""

let host: [Target] = [
  .target(name: "CRevision", cSettings: [.define("LEAFROOT_COMMIT", to: "\"\(commit)\"")]),
  .target(
    name: "Files", dependencies: ["Initramfs", "Newc", "Tree", "Unpacking", systemPackage],
    swiftSettings: strict + fast),
  .target(
    name: "Inspection",
    dependencies: [
      "Compression", "Evidence", "Files", "Initramfs", "Leaf", "Newc", "Unpacking", systemPackage,
    ],
    swiftSettings: strict + fast),
  .systemLibrary(name: "CArchive"),
  .target(
    name: "Importing",
    dependencies: [
      "CArchive", "CLinux", "Compression", "Files", "Initramfs", "Inspection", "Newc", "Tree",
      systemPackage,
    ],
    swiftSettings: strict),
  .target(name: "Encoding", dependencies: ["CCodecs"], swiftSettings: strict + fast),
  .target(
    name: "Packing",
    dependencies: [
      "Compression", "Encoding", "Evidence", "Files", "Importing", "Initramfs", "Inspection",
      "Leaf", "Newc", "Threads", "Unpacking", systemPackage,
    ],
    swiftSettings: strict),
  .target(
    name: "BootEntry",
    dependencies: [
      "Evidence", "Files", "Initramfs", "Inspection", "Leaf", "Newc", "Packing", systemPackage,
    ],
    swiftSettings: strict),
  .target(
    name: "Machine",
    dependencies: [
      "Compression", "Files", "Inspection", "Leaf", "Packing", subprocess, systemPackage,
    ],
    swiftSettings: strict),
  .executableTarget(
    name: "leafroot",
    dependencies: [
      "BootEntry", "CRevision", "Encoding", "Evidence", "Files", "Importing", "Initramfs",
      "Inspection",
      "Machine", "Newc", "Packing", "Threads", "Unpacking", argumentParser,
    ],
    swiftSettings: strict, linkerSettings: [slim]),
  .target(name: "Fidelity", dependencies: ["Newc"], swiftSettings: strict),
  .executableTarget(
    name: "bench",
    dependencies: [
      "Encoding", "Fidelity", "Files", "Importing", "Initramfs", "Inspection", "Machine", "Newc",
      "Packing", "Threads", argumentParser, subprocess, systemPackage,
    ],
    swiftSettings: strict),
]

/// What must hold for any bytes: for the fuzzers, and for the tests that replay what they found.
let fuzzChecks = Target.target(
  name: "FuzzChecks",
  dependencies: [
    "CLinux", "Evidence", "Files", "Importing", "Initramfs", "Inspection", "Newc", systemPackage,
  ],
  path: "Fuzz/Checks", swiftSettings: strict)

// libFuzzer brings its own main, and instruments all that it is linked with: `make fuzz` asks for
// these with LEAFROOT_FUZZ=1.
let isFuzz = Context.environment["LEAFROOT_FUZZ"] == "1"

let fuzzers = ["Newc", "Members", "Inspect", "Source", "Numbers"].map { name in
  Target.executableTarget(
    name: "fuzz-\(name.lowercased())", dependencies: ["FuzzChecks"], path: "Fuzz/\(name)",
    swiftSettings: strict)
}

let oddImages = Target.target(
  name: "OddImages", dependencies: ["Fidelity", "TestSupport"], path: "Tests/OddImages",
  exclude: ["Linux-6.12.census"], swiftSettings: strict)

let tests: [Target] = [
  .target(
    name: "TestSupport", dependencies: ["Tree", systemPackage], path: "Tests/TestSupport",
    swiftSettings: strict),
  oddImages,
  // Nothing depends on it, but a test runs it. Its `main` is none of Swift's.
  .executableTarget(
    name: "census", dependencies: ["CLinux"], path: "Tests/Census",
    swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]),
  .target(
    name: "Samples", dependencies: ["Compression", "Initramfs", "Newc", "Packing", "TestSupport"],
    path: "Tests/Samples", swiftSettings: strict),
  .executableTarget(
    name: "odd-images", dependencies: ["OddImages"], path: "Fuzz/SeedWriter",
    swiftSettings: strict),
  .testTarget(name: "LeafTests", dependencies: ["Leaf"], swiftSettings: strict),
  .testTarget(
    name: "EvidenceTests", dependencies: ["CLinux", "Evidence", "TestSupport"],
    swiftSettings: strict),
  .testTarget(name: "NewcTests", dependencies: ["Newc", "TestSupport"], swiftSettings: strict),
  .testTarget(
    name: "TreeTests", dependencies: ["CLinux", "TestSupport", "Threads", "Tree"],
    swiftSettings: strict),
  .testTarget(
    name: "CompressionTests",
    dependencies: [
      "Compression", "Initramfs", "Inspection", "OddImages", "TestSupport", systemPackage,
    ],
    swiftSettings: strict),
  .testTarget(
    name: "InitramfsTests",
    dependencies: [
      "Compression", "FuzzChecks", "Initramfs", "Inspection", "Newc", "OddImages", "Samples",
    ],
    swiftSettings: strict),
  .testTarget(
    name: "InspectionTests",
    dependencies: [
      "Compression", "Fidelity", "Files", "Initramfs", "Inspection", "Newc", "OddImages",
      "Samples", "TestSupport",
    ],
    swiftSettings: strict),
  .testTarget(
    name: "UnpackingTests",
    dependencies: [
      "CLinux", "Evidence", "Fidelity", "Files", "Initramfs", "Inspection", "Newc", "OddImages",
      "Samples", "TestSupport", "Tree", "Unpacking", systemPackage,
    ],
    swiftSettings: strict),
  .testTarget(
    name: "ImportingTests",
    dependencies: ["Files", "Importing", "Initramfs", "Newc", "TestSupport", systemPackage],
    swiftSettings: strict),
  .testTarget(
    name: "PackingTests",
    dependencies: [
      "CLinux", "Encoding", "Evidence", "Files", "Importing", "Initramfs", "Inspection", "Newc",
      "OddImages", "Packing", "Samples", "TestSupport", "Tree", "Unpacking", systemPackage,
    ],
    swiftSettings: strict),
  .testTarget(
    name: "BootEntryTests",
    dependencies: ["BootEntry", "Files", "OddImages", "TestSupport", systemPackage],
    swiftSettings: strict),
  .testTarget(
    name: "MachineTests",
    dependencies: [
      "Compression", "Fidelity", "Files", "Initramfs", "Inspection", "Machine", "OddImages",
      "Packing", "Samples",
      "TestSupport", systemPackage,
    ],
    swiftSettings: strict),
  .testTarget(
    name: "CommandTests",
    dependencies: [
      "CLinux", "Compression", "Files", "Initramfs", "Inspection", "Machine", "Newc", "OddImages",
      "Packing",
      "Samples", "TestSupport", "Unpacking", "leafroot", argumentParser, systemPackage,
    ],
    swiftSettings: strict),
  .testTarget(name: "FidelityTests", dependencies: ["Fidelity"], swiftSettings: strict),
  .testTarget(
    name: "BenchTests", dependencies: ["Fidelity", "Machine", "bench"], swiftSettings: strict),
  .testTarget(
    name: "BootTests",
    dependencies: [
      "BootEntry", "Compression", "Encoding", "Fidelity", "Files", "Importing", "Initramfs",
      "Inspection", "Machine", "Newc", "OddImages", "Packing", "TestSupport", "Unpacking",
      subprocess, systemPackage,
    ],
    swiftSettings: strict),
]

let package = Package(
  name: "leafroot",
  products: isGuest
    ? [
      .executable(name: "leafroot-init", targets: ["leafroot-init"]),
      .executable(name: "census", targets: ["census"]),
      .executable(name: "guest-unpack", targets: ["guest-unpack"]),
    ]
    : [.executable(name: "leafroot", targets: ["leafroot"])],
  dependencies: isGuest
    ? []
    : [
      .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
      .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
      .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
  targets: shared + (isGuest ? guest : host + tests + [fuzzChecks] + (isFuzz ? fuzzers : []))
)

// SwiftPM compiles nothing anew when a header of these changes, but it does when an object changes:
// CHeaders has one that depends on the headers. Not for the guest, where the driver would compile C
// for another floating-point ABI (riscv64).
let headers: Set = ["CArchive", "CCodecs", "CLinux"]
for target in package.targets where !isGuest {
  let names = target.dependencies.compactMap { dependency in
    if case .byNameItem(let name, _) = dependency { name } else { nil }
  }
  if !headers.isDisjoint(with: names) { target.dependencies.append("CHeaders") }
}
