# SPDX-License-Identifier: MIT

PREFIX  ?= /usr/local
DESTDIR ?=
# Whole tests, or those that match: make test FILTER=TreeTests
FILTER  ?=
# How long each fuzzer runs: make fuzz SECONDS=1800
SECONDS ?= 60

cache   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/leafroot
arches  := x86_64 aarch64 riscv64
guests  := $(foreach program,init unpack,$(arches:%=build/lib/leafroot/leafroot-$(program).%))

# What is checked: the files that git knows or would add; in a tarball, all but what was built. A
# script is known by its first line, and what scripts source by its name.
hash    := \#
files    = $(wildcard $(or $(shell git ls-files -co --exclude-standard 2>/dev/null), \
             $(shell find .ci * -path build -prune -o -type f -print)))
swift    = $(filter %.swift,$(files))
shells   = $(filter %.sh,$(files)) $(shell awk \
             'FNR == 1 && /^$(hash)!.*sh$$/ { print FILENAME } { nextfile }' $(files))

triple.x86_64  := x86_64-unknown-none-elf
triple.aarch64 := aarch64-none-none-elf
triple.riscv64 := riscv64-none-none-eabi

export LEAFROOT_LIB := $(CURDIR)/build/lib/leafroot

.PHONY: help setup build guest demo test proof vm kernel kit bench speed fuzz format lint install \
        install-integrations integrations clean FORCE

help: ## print the targets and the values they use
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "  PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) FILTER=$(FILTER) SECONDS=$(SECONDS)"
	@echo "  cache: $(cache)"

setup: ## install what the build needs (apt-get), fetch musl for each architecture
	@Scripts/setup

build: setup guest ## build/bin/leafroot, build/lib/leafroot/leafroot-{init,unpack}.ARCH
	swift build -c release --product leafroot --static-swift-stdlib
	@install -D .build/release/leafroot build/bin/leafroot

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
# machine, only in a virtual one.
define guest-program
$(guest-build)
@llvm-objcopy --strip-all .build-guest-$2/release/$1 build/$1.$2
@chmod 644 build/$1.$2 && mv build/$1.$2 $@
endef

build/lib/leafroot/leafroot-init.%: FORCE
	$(call guest-program,leafroot-init,$*)

build/lib/leafroot/leafroot-unpack.%: FORCE
	$(call guest-program,leafroot-unpack,$*)

# The programs that list a tree and unpack an image for the tests, in the guest and on the host.
build/test/census: FORCE
	$(call guest-build,census,x86_64)
	@llvm-objcopy --strip-all .build-guest-x86_64/release/census $@
	@chmod +x $@

build/test/guest-unpack: build/test/guest-unpack.x86_64
	@cp $< $@

build/test/guest-unpack.%: FORCE
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

demo: build ## boot an image on a stock kernel, without the leaf and with it
	@Scripts/fetch-kernels 6.12-x86_64
	@Scripts/demo

test: build vm kit build/test/census build/test/guest-unpack ## run unit and boot tests
	@Scripts/build-kernels um-6.12
	swift test --disable-xctest --skip ProofTests $(if $(FILTER),--filter '$(FILTER)')

# The tests for every stock kernel; `make test` runs them on some.
reach := ContractTests|LeafKernelTests|ArchitectureTests|RuntimeTests|FidelityTests.*nasty|FallbackTests.*damaged

# The decoders are linked for the architectures, too, on which no test decodes.
others := $(patsubst %,build/test/guest-unpack.%,$(filter-out x86_64,$(arches)))

# The kernels of all series and architectures, those with faults, and those that are only compiled.
proof: build kit build/test/census build/test/guest-unpack $(others) ## run the long tests, on all kernels
	@Scripts/fetch-kernels proof
	@Kernel/update --check
	@Scripts/build-kernels 6.12 6.1 5.10 um-6.12 arm64-6.12 no-tmpfs-6.12 \
	  objects-6.12 objects-6.1 objects-5.10
	LEAFROOT_KERNELS=all swift test --disable-xctest --filter '$(or $(FILTER),ProofTests|$(reach))'

bench: build ## measure time, least memory and size; build/bench/results.json
	@Scripts/fetch-kernels 6.12-x86_64
	swift build -c release --product bench
	.build/release/bench --document README.md

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

install: build install-integrations ## install to PREFIX, under DESTDIR
	install -D build/bin/leafroot $(DESTDIR)$(PREFIX)/bin/leafroot
	install -d $(DESTDIR)$(PREFIX)/lib/leafroot
	install -m 644 $(guests) $(DESTDIR)$(PREFIX)/lib/leafroot

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
