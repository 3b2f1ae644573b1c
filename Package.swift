// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// One package, two worlds. What is in Sources/Shared is compiled twice from the same files: as
// ordinary Swift for the host tool and the tests, and as Embedded Swift for PID 1. One build cannot
// mix the two modes, so the Makefile asks for the guest's half with LEAFROOT_GUEST=1; the host's half
// never holds an executable that could move a root file system.
let isGuest = Context.environment["LEAFROOT_GUEST"] == "1"

/// Warnings are errors; unsafe C and pointer code is marked.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// For loops that take time: make compiles the tool with -Osize, and the tests with -Onone. The
/// driver passes the last -O of its options on, and ours behind it.
let fast: [SwiftSetting] = isGuest ? [] : [.unsafeFlags(["-Xfrontend", "-O"])]

/// The host build refuses what Embedded Swift lacks.
let embeddable = strict + [.treatWarning("EmbeddedRestrictions", as: .error)]

/// A module in a directory of its own name. Modules that are found through those of `uses` need not
/// be named.
func room(
  _ name: String, in wing: String, uses: [Target.Dependency] = [],
  _ settings: [SwiftSetting] = strict
) -> Target {
  .target(name: name, dependencies: uses, path: "\(wing)/\(name)", swiftSettings: settings)
}

func program(
  _ name: String, at path: String, uses: [Target.Dependency], flags: [String] = [],
  linkerSettings: [LinkerSetting] = []
) -> Target {
  .executableTarget(
    name: name, dependencies: uses, path: path, swiftSettings: strict + [.unsafeFlags(flags)],
    linkerSettings: linkerSettings)
}

func tests(of name: String, uses: [Target.Dependency]) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: uses, swiftSettings: strict)
}

let (shared, host) = ("Sources/Shared", "Sources/Host")

let sharedRooms = [
  .systemLibrary(name: "CCodecs", path: "Sources/Shared/CCodecs"),
  .systemLibrary(name: "CLinux", path: "Sources/Shared/CLinux"),
  room("Compression", in: shared, uses: ["CCodecs"], embeddable + fast),
  room("Leaf", in: shared, embeddable),
  room("BootFacts", in: shared, uses: ["CLinux", "Leaf"], embeddable),
  room("Newc", in: shared, embeddable + fast),
  room("Threads", in: shared, uses: ["CLinux"], embeddable + fast),
  room("Tree", in: shared, uses: ["CLinux", "Threads"], embeddable + fast),
  room("Initramfs", in: shared, uses: ["Newc", "Compression", "Threads"], embeddable + fast),
  room("Unpacking", in: shared, uses: ["BootFacts", "Initramfs", "Tree"], embeddable + fast),
]

let guest = [
  room("Guest", in: "Sources/Guest", uses: ["Unpacking"]),
  program("leafroot-init", at: "Sources/Guest/leafroot-init", uses: ["Guest", "GuestLinkage"]),
  // The decoders of Scripts/build-decoders, and what they and Swift want of others. The module map
  // of CCodecs names the libraries that the host links: for a triple without a system nobody reads
  // it.
  .target(
    name: "GuestLinkage", dependencies: ["CLinux"], path: "Sources/Guest/GuestLinkage",
    swiftSettings: strict, linkerSettings: [.linkedLibrary("decoders")]),
  // What the tests look at trees with, on both sides of the console, and compare decoders with.
  program("census", at: "Tests/Census", uses: ["CLinux"]),
  program("guest-unpack", at: "Tests/GuestUnpack", uses: ["GuestLinkage", "Unpacking"]),
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// How the release of the tool is linked: the compressors' libraries from build/static, if make has
/// put archives there, the same code once, and without what only a library or a thrown C++ exception
/// needs. Here, and not in the Makefile, since flags of the command line compile everything anew.
let slim = LinkerSetting.unsafeFlags(
  [
    "-use-ld=lld", "-Xlinker", "--icf=all", "-L\(Context.packageDirectory)/build/static",
    "-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
    "-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/Toolsets/release.ld",
  ], .when(configuration: .release))

let hostRooms = [
  // The commit of this build, from the Makefile.
  .target(
    name: "CRevision", path: "Sources/Host/CRevision",
    cSettings: [
      .define("LEAFROOT_COMMIT", to: "\"\(Context.environment["LEAFROOT_COMMIT"] ?? "")\"")
    ]),
  .target(name: "CHeaders", path: "Sources/Host/CHeaders"),
  .systemLibrary(name: "CArchive", path: "Sources/Host/CArchive"),
  room("Files", in: host, uses: [subprocess, systemPackage]),
  room("Images", in: host, uses: ["Files", "Unpacking"], strict + fast),
  room("Importing", in: host, uses: ["CArchive", "Images"]),
  room("Encoders", in: host, uses: ["CCodecs"], strict + fast),
  room("Packing", in: host, uses: ["Encoders", "Importing"]),
  room("BootEntries", in: host, uses: ["Packing"]),
  room("Machines", in: host, uses: ["Packing"]),
  program(
    "leafroot", at: "Sources/Host/leafroot",
    uses: ["BootEntries", "CRevision", "Machines", argumentParser], linkerSettings: [slim]),
  program(
    "bench", at: "Benchmarks/bench", uses: ["BootEntries", "Fidelity", "Machines", argumentParser]),
]

// libFuzzer brings its own main, and instruments all that it is linked with: `make fuzz` asks for
// this with LEAFROOT_FUZZ=1.
let isFuzz = Context.environment["LEAFROOT_FUZZ"] == "1"

let fuzzer =
  isFuzz
  ? [program("fuzz", at: "Fuzz/Fuzzer", uses: ["FuzzChecks"], flags: ["-parse-as-library"])] : []

let testRooms = [
  room("Fidelity", in: "Tests", uses: ["Newc"], strict + fast),
  room("TestSupport", in: "Tests", uses: ["Compression", "Tree", systemPackage]),
  .target(
    name: "OddImages", dependencies: ["Fidelity", "TestSupport"], path: "Tests/OddImages",
    exclude: ["Linux-6.12.census"], swiftSettings: strict),
  room("Samples", in: "Tests", uses: ["OddImages", "Packing"]),
  room("BootHarness", in: "Tests", uses: ["BootEntries", "Machines", "OddImages"]),
  // Nothing depends on it, but a test runs it. Its `main` is none of Swift's.
  program("census", at: "Tests/Census", uses: ["CLinux"], flags: ["-parse-as-library"]),
  // What must hold for any bytes: for the fuzzers, and for the tests that replay what they found.
  room("FuzzChecks", in: "Fuzz", uses: ["Importing"]),
  program("odd-images", at: "Fuzz/SeedWriter", uses: ["OddImages"]),
  tests(of: "Leaf", uses: ["Leaf"]),
  tests(of: "BootFacts", uses: ["BootFacts", "TestSupport"]),
  tests(of: "Newc", uses: ["Newc", "TestSupport"]),
  tests(of: "Tree", uses: ["Fidelity", "TestSupport"]),
  tests(of: "Compression", uses: ["Images", "OddImages"]),
  tests(of: "Initramfs", uses: ["FuzzChecks", "Samples"]),
  tests(of: "Images", uses: ["Samples"]),
  tests(of: "Unpacking", uses: ["Samples"]),
  tests(of: "Importing", uses: ["Importing", "TestSupport"]),
  tests(of: "Packing", uses: ["Samples"]),
  tests(of: "BootEntries", uses: ["BootEntries", "OddImages"]),
  tests(of: "Machines", uses: ["Machines", "Samples"]),
  tests(of: "Command", uses: ["Samples", "leafroot"]),
  tests(of: "Fidelity", uses: ["Fidelity"]),
  tests(of: "Bench", uses: ["bench"]),
  tests(of: "Boot", uses: ["BootHarness"]),
  tests(of: "Proof", uses: ["BootHarness"]),
]

let package = Package(
  name: "leafroot",
  products: isGuest
    ? ["leafroot-init", "census", "guest-unpack"].map { .executable(name: $0, targets: [$0]) }
    : [.executable(name: "leafroot", targets: ["leafroot"])],
  dependencies: isGuest
    ? []
    : [
      .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
      .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
      .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
  targets: sharedRooms
    + (isGuest ? guest : hostRooms + testRooms + fuzzer)
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
