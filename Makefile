# SPDX-License-Identifier: MIT

PREFIX  ?= /usr/local
DESTDIR ?=
# Whole tests, or those that match: make test FILTER=TreeTests
FILTER  ?=
# How long each fuzzer runs: make fuzz SECONDS=1800
SECONDS ?= 60

cache   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/leafroot
arches  := x86_64 aarch64 riscv64
guests  := $(arches:%=build/lib/leafroot/leafroot-init.%)

# What is checked: the files that git knows or would add; in a tarball, all but what was built. A
# script is known by its first line, and what scripts source by its name.
hash    := \#
files    = $(wildcard $(or $(shell git ls-files -co --exclude-standard 2>/dev/null), \
             $(shell find .ci * -path build -prune -o -type f -print)))
swift    = $(filter %.swift,$(files))
shells   = $(filter %.sh,$(files)) $(shell awk \
             'FNR == 1 && /^$(hash)!.*sh$$/ { print FILENAME } { nextfile }' $(files))

# The C libraries of the tool, by the module maps that name them.
libraries := $(shell sed -n 's/^ *link "\(.*\)"/\1/p' Sources/*/*/module.modulemap)
statics   := $(libraries:%=build/static/lib%.a)
commit     = $(shell Scripts/revision commit)
version   := $(shell sed -n 's/.*static let version = "\(.*\)"/\1/p' Sources/Host/leafroot/LeafRoot.swift)
# What is made for others has the time of the commit, so that it is the same whenever it is made.
time       = $(or $(SOURCE_DATE_EPOCH),$(shell Scripts/revision time),0)
about      = $(version) $(or $(commit),unknown) $(time)

triple.x86_64  := x86_64-unknown-none-elf
triple.aarch64 := aarch64-none-none-elf
triple.riscv64 := riscv64-none-none-eabi

export LEAFROOT_LIB := $(CURDIR)/build/lib/leafroot

.PHONY: help setup build guest share install dist deb packages-test demo test tests proof vm kernel \
        kit loaders bench bench-guests growth pictures speed fuzz format lint install-integrations \
        integrations clean FORCE

help: ## print the targets and the values they use
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "  PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) FILTER=$(FILTER) SECONDS=$(SECONDS)"
	@echo "  cache: $(cache)"

setup: ## install what the build needs (apt-get), fetch musl and build the decoders for each architecture
	@Scripts/setup

# $(call install-scripts,PREFIX): what the tool fetches kernels with.
define install-scripts
@install -D -t $1/libexec/leafroot Scripts/fetch-kernels
@install -D -m 644 -t $1/libexec/leafroot Scripts/cache.sh
endef

build: setup guest $(statics) ## build/bin/leafroot, build/lib/leafroot/leafroot-init.ARCH
	LEAFROOT_COMMIT=$(commit) swift build -c release --product leafroot --static-swift-stdlib \
	  --disable-local-rpath -Xlinker -s -Xswiftc -Osize
	@install -D .build/release/leafroot build/bin/leafroot
	$(call install-scripts,build)

# Package.swift links the tool with these instead of the shared libraries.
$(statics): | setup
build/static/%.a:
	@mkdir -p $(@D)
	@archive=$$(clang -print-file-name=$*.a) && test -e "$$archive" && ln -sf "$$archive" $@

guest: setup $(guests)

# $(call guest-build,PRODUCT,ARCH). SwiftPM knows best what is out of date.
define guest-build
@mkdir -p build/toolsets $(@D)
@Toolsets/generate $2 > build/toolsets/$2.json
LEAFROOT_GUEST=1 swift build -c release --product $1 --scratch-path .build-guest-$2 \
  --triple $(triple.$2) --toolset build/toolsets/$2.json
@chmod -x .build-guest-$2/release/$1
@Toolsets/no-indirect-functions .build-guest-$2/release/$1
endef

# $(call guest-program,PRODUCT,ARCH), the target.
# The file is deliberately not executable, nor is it where it is built: PID 1 must never run on this
# machine, only in a virtual one. The compiler's hashes of modules depend on the directory.
define guest-program
$(guest-build)
@llvm-objcopy --strip-all --remove-section .swift_modhash .build-guest-$2/release/$1 build/$1.$2
@chmod 644 build/$1.$2 && mv build/$1.$2 $@
endef

# What is built for one architecture shares a directory, and is built one after the other.
build/lib/leafroot/leafroot-init.%: FORCE
	$(call guest-program,leafroot-init,$*)

# The programs that list a tree and unpack an image for the tests, in the guest and on the host.
build/test/census: FORCE | build/test/guest-unpack.x86_64
	$(call guest-build,census,x86_64)
	@llvm-objcopy --strip-all .build-guest-x86_64/release/census $@
	@chmod +x $@

build/test/guest-unpack: build/test/guest-unpack.x86_64
	@cp $< $@

build/test/guest-unpack.%: FORCE | build/lib/leafroot/leafroot-init.%
	$(call guest-build,guest-unpack,$*)
	@llvm-objcopy --strip-all .build-guest-$*/release/guest-unpack $@
	@chmod +x $@

vm: setup ## fetch the stock kernels that the tests boot
	@Scripts/fetch-kernels test

kernel: setup ## build kernels that make the leaf themselves, in build/kernel
	@Kernel/update --check
	@Scripts/build-kernels
	@cp -R Kernel/x86_64.S Kernel/arm64.S Kernel/patches build/kernel

kit: setup
	@Scripts/runtime-kit

loaders: setup
	@Scripts/loaders test

demo: build ## boot an image on a stock kernel, without the leaf and with it
	@Scripts/fetch-kernels 6.12-x86_64
	@Scripts/demo

# Without the tool of `make build`: the tests run the one that is built with them.
test: vm kit loaders ## run unit and boot tests
	@Scripts/build-kernels um-6.12
	@$(MAKE) --no-print-directory --jobs=2 tests guest build/test/census build/test/guest-unpack
	swift test --disable-xctest --skip-build --skip ProofTests \
	  $(if $(FILTER),--filter '$(FILTER)')

tests: setup
	swift build --build-tests --disable-xctest

# The tests for every stock kernel; `make test` runs them on some.
reach := ContractTests|LeafKernelTests|ArchitectureTests|RuntimeTests|ContainerTests|ReusedWordsTests|(SameTree|Packed)Tests.*nasty|FallbackTests.*(damaged|ramfs)

# The decoders are linked for the architectures, too, on which no test decodes.
others := $(patsubst %,build/test/guest-unpack.%,$(filter-out x86_64,$(arches)))

# The kernels of all series and architectures, those with faults, and those that are only compiled.
proof: build kit build/test/census build/test/guest-unpack $(others) ## run the long tests, on all kernels
	@Scripts/fetch-kernels proof
	@Scripts/loaders proof
	@Benchmarks/yardstick >/dev/null
	@[ "$$(id -u)" -ne 0 ] || { Scripts/setup debootstrap && Scripts/systemd-tree; }
	@Kernel/update --check
	@Scripts/build-kernels 6.12 6.1 5.10 um-6.12 arm64-6.12 no-tmpfs-6.12 \
	  objects-6.12 objects-6.1 objects-5.10
	LEAFROOT_KERNELS=all swift test --disable-xctest --filter '$(or $(FILTER),ProofTests|$(reach))'

# What the machines of bench run. Our own kernel is one of the ways that are compared.
bench-guests: build kit build/test/census
	@Scripts/fetch-kernels 6.12-x86_64
	@Scripts/build-kernels 6.12
	swift build -c release --product bench

bench: bench-guests ## compare time, least memory, size and what is lost; build/bench/results.json
	.build/release/bench --document README.md

growth: bench-guests ## measure how time and memory grow with the image; build/bench/growth.json
	.build/release/bench growth --document Benchmarks/README.md \
	  --picture Documentation/pictures/growth.svg

pictures: bench-guests ## draw the pictures of the documents, from the results of make bench
	.build/release/bench pictures Documentation/pictures

speed: build ## time listing and unpacking of images, beside other tools
	@Benchmarks/read-speed
	@Benchmarks/unpack-speed

fuzz: setup ## fuzz the readers of images, SECONDS each; build/fuzz
	@Fuzz/run $(SECONDS)

format: ## format the Swift sources
	@swift format --in-place --parallel $(swift)

lint: setup ## check the formatting, and shell scripts
	@swift format lint --strict --parallel $(swift)
	@shellcheck -x -P SCRIPTDIR $(shells)

share: build ## the manuals as roff, completions, notices, the list of what is inside; build/share
	@Scripts/setup lowdown jq
	@mkdir -p build/share
	@for section in 1 7; do \
	  Scripts/manual Documentation/leafroot.$$section.md $$(date -u -d @$(time) +%F) \
	    > build/share/leafroot.$$section || exit; \
	done
	@for shell in bash zsh fish; do \
	  build/bin/leafroot --generate-completion-script $$shell > build/share/leafroot.$$shell || exit; \
	done
	@Scripts/sbom $(about) > build/share/leafroot.spdx.json
	@Scripts/sbom --notices $(about) > build/share/NOTICES

# $(call install-tree,PREFIX,DIRECTORY OF ZSH'S COMPLETIONS)
define install-tree
install -D -t $1/bin build/bin/leafroot
install -D -m 644 -t $1/lib/leafroot $(guests)
$(call install-scripts,$1)
install -D -m 644 -t $1/share/man/man1 build/share/leafroot.1
install -D -m 644 -t $1/share/man/man7 build/share/leafroot.7
install -D -m 644 build/share/leafroot.bash $1/share/bash-completion/completions/leafroot
install -D -m 644 build/share/leafroot.zsh $1/share/zsh/$2/_leafroot
install -D -m 644 -t $1/share/fish/vendor_completions.d build/share/leafroot.fish
install -D -m 644 -t $1/share/doc/leafroot README.md CHANGELOG.md LICENSE SECURITY.md \
  build/share/NOTICES build/share/leafroot.spdx.json
install -D -m 644 -t $1/share/doc/leafroot/Documentation $(wildcard Documentation/*.md)
install -D -m 644 -t $1/share/doc/leafroot/Documentation/guides $(wildcard Documentation/guides/*)
install -D -m 644 -t $1/share/doc/leafroot/Documentation/pictures \
  $(wildcard Documentation/pictures/*.svg)
endef

checksums = @cd build/dist && sha256sum leafroot[-_]* > SHA256SUMS

install: share install-integrations ## install to PREFIX, under DESTDIR
	$(call install-tree,$(DESTDIR)$(PREFIX),site-functions)

dist: share ## a tarball that runs from any directory; build/dist
	@rm -rf build/tree
	$(call install-tree,build/tree,site-functions)
	@Scripts/dist build/tree build/dist $(version) $(time)
	$(checksums)

deb: share ## packages for Debian; build/dist
	@Scripts/setup debhelper lintian
	@rm -rf build/tree
	$(call install-tree,build/tree/usr,vendor-completions)
	@Integrations/install build/tree /usr
	@Scripts/deb build/tree build/dist $(version) $(time)
	$(checksums)

packages-test: dist deb ## install the packages in Debian 12 and 13, and use them there
	@Scripts/setup debootstrap
	@Scripts/packages-test build/dist $(version)

install-integrations:
	@Integrations/install '$(DESTDIR)' '$(PREFIX)'

# Some of them: make integrations TOOL=dracut SUITE=trixie
integrations: ## build images with Debian's tools and our hooks, and boot them (needs root; slow)
	@Scripts/setup debootstrap e2fsprogs util-linux
	@rm -rf build/integrations/package
	@$(MAKE) install DESTDIR=$(CURDIR)/build/integrations/package PREFIX=/usr
	@Integrations/test $(TOOL) $(SUITE)

clean: ## remove the build; keep the cache
	rm -rf build .build .build-guest-*
