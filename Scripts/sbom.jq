# SPDX-License-Identifier: MIT
#
# The document of Scripts/sbom, from its lines.

def lines: split("\n") | map(select(. != "") | split(" "));
def id: "SPDXRef-" + gsub("[^A-Za-z0-9.]"; "-");

# A licence with a choice needs parentheses beside others.
def all_of: unique | map(if test(" OR ") then "(\(.))" else . end) | join(" AND ");

# Debian's machine-readable copyright files name their licences otherwise than SPDX.
def licence($package; $version):
  {
    "zlib1g-dev": "Zlib",
    "libbz2-dev": "bzip2-1.0.6",
    # In the public domain up to 5.4, which has no name in SPDX.
    "liblzma-dev": (if [$version | scan("[0-9]+") | tonumber][:2] >= [5, 6] then "0BSD"
      else "LicenseRef-public-domain" end),
    "libzstd-dev": "BSD-3-Clause OR GPL-2.0-only",
    "liblz4-dev": "BSD-2-Clause",
    "libarchive-dev": "BSD-2-Clause",
    "liblzo2-dev": "GPL-2.0-or-later",
    "nettle-dev": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "musl-dev": "MIT"
  }[$package] // error("the licence of \($package) is not known: add it to Scripts/sbom.jq");

def debian:
  . as [$program, $name, $version, $architecture, $source, $source_version] | {
    $name, $version, licence: licence($name; $version),
    purl: "pkg:deb/debian/\($name)@\($version | @uri | gsub("~"; "%7E"))?arch=\($architecture)",
    source: "Debian source package \($source) \($source_version)"
  };

# Scripts/sbom has checked that Swift and its packages have this licence.
def swift($name; $version; $purl; $source):
  { $name, $version, licence: "Apache-2.0 WITH Swift-exception", purl: "pkg:\($purl)", $source };

def swift_package:
  swift(.identity; .state.version;
    "\(.location | sub("https://github.com/"; "github/"))@\(.state.version)";
    "revision \(.state.revision)");

def swift_itself($source):
  swift("swift"; $swift; "github/swiftlang/swift@swift-\($swift)-RELEASE"; $source);

# What a program contains.
def parts:
  (if . == "leafroot" then
    swift_itself("standard library, concurrency, Dispatch and FoundationEssentials"),
    ($resolved[].pins[] | swift_package)
  else
    swift_itself("standard library, Embedded Swift")
  end),
  (. as $program | $contents | lines[] | select(.[0] == $program) | debian);

[$programs | lines[][0] | { program: . } + parts | . + {
  # The same package of another architecture, or another part of Swift, is another one.
  id: (.purl + (if .name == "swift" then " " + .source else "" end) | id)
}] as $parts |
($shared | lines | map(.[0])) as $libraries |
{
  spdxVersion: "SPDX-2.3",
  dataLicense: "CC0-1.0",
  SPDXID: "SPDXRef-DOCUMENT",
  name: "leafroot-\($version)",
  documentNamespace: "https://spdx.org/spdxdocs/leafroot-\($version)-\($commit)",
  creationInfo: { created: $created, creators: ["Tool: leafroot-Scripts-sbom"] },
  documentDescribes: ($programs | lines | map(.[0] | id)),
  packages: (
    [$programs | lines[] | {
      SPDXID: (.[0] | id),
      name: .[0],
      versionInfo: "\($version) (\($commit))",
      packageFileName: .[1],
      primaryPackagePurpose: "APPLICATION",
      checksums: [{ algorithm: "SHA256", checksumValue: .[2] }],
      licenseDeclared: "MIT",
      licenseConcluded: (.[0] as $program |
        [$parts[] | select(.program == $program).licence] + ["MIT"] | all_of),
      licenseComments: "licenseDeclared is that of LeafRoot's own code, licenseConcluded that of all the code in the file"
    }] + ($parts | group_by(.id) | map(.[0] | {
      SPDXID: .id,
      name: .name,
      versionInfo: .version,
      licenseDeclared: .licence,
      licenseConcluded: .licence,
      sourceInfo: .source,
      externalRefs: [{
        referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: .purl
      }]
    })) + [$libraries[] | {
      SPDXID: id,
      name: .,
      licenseDeclared: "NOASSERTION",
      licenseConcluded: "NOASSERTION",
      comment: "a shared library of the system that the tool runs on"
    }] | map(. + {
      downloadLocation: "NOASSERTION", filesAnalyzed: false, copyrightText: "NOASSERTION"
    })
  ),
  relationships: (
    [$programs | lines[] | {
      spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES",
      relatedSpdxElement: (.[0] | id)
    }] + [$parts[] | {
      spdxElementId: (.program | id), relationshipType: "STATIC_LINK", relatedSpdxElement: .id
    }] + [$libraries[] | {
      spdxElementId: "SPDXRef-leafroot", relationshipType: "DYNAMIC_LINK",
      relatedSpdxElement: id
    }]
  ),
  hasExtractedLicensingInfos: [
    select(any($parts[]; .licence == "LicenseRef-public-domain")) | {
      licenseId: "LicenseRef-public-domain",
      name: "Public domain",
      extractedText: "liblzma is in the public domain."
    }
  ]
}
