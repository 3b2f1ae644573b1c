# SPDX-License-Identifier: MIT
#
# The document of Scripts/sbom, from its lines.

def lines: split("\n") | map(select(. != "") | split("\t"));
def id: "SPDXRef-" + gsub("[^A-Za-z0-9.]"; "-");

# A licence with a choice needs parentheses beside others.
def all_of: unique | map(if test(" OR ") then "(\(.))" else . end) | join(" AND ");

($contents | lines | map({
  program: .[0], name: .[1], version: .[2], licence: .[3], purl: .[4], source: .[5],
  # The same package of another architecture, or another part of Swift, is another one.
  id: (.[4] + (if .[1] == "swift" then " " + .[5] else "" end) | id)
})) as $parts |
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
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      checksums: [{ algorithm: "SHA256", checksumValue: .[2] }],
      licenseDeclared: "MIT",
      licenseConcluded: (.[0] as $program |
        [$parts[] | select(.program == $program).licence] + ["MIT"] | all_of),
      licenseComments: "licenseDeclared is that of LeafRoot's own code, licenseConcluded that of all the code in the file",
      copyrightText: "NOASSERTION"
    }] + ($parts | group_by(.id) | map(.[0] | {
      SPDXID: .id,
      name: .name,
      versionInfo: .version,
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      licenseDeclared: .licence,
      licenseConcluded: .licence,
      copyrightText: "NOASSERTION",
      sourceInfo: .source,
      externalRefs: [{
        referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: .purl
      }]
    })) + [$libraries[] | {
      SPDXID: id,
      name: .,
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      licenseDeclared: "NOASSERTION",
      licenseConcluded: "NOASSERTION",
      copyrightText: "NOASSERTION",
      comment: "a shared library of the system that the tool runs on"
    }]
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
