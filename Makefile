# SPDX-License-Identifier: MIT

PREFIX  ?= /usr/local
DESTDIR ?=
# make test FILTER=TreeTests: those that match. make fuzz SECONDS=1800: so long each.
FILTER  ?=
SECONDS ?= 60

cache   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/leafroot
arches  := x86_64 aarch64 riscv64
guests  := $(arches:%=build/lib/leafroot/leafroot-init.%)

# The C libraries of the tool, by the module maps that name them.
libraries := $(shell sed -n 's/^ *link "\(.*\)"/\1/p' Sources/*/*/module.modulemap)
statics   := $(libraries:%=build/static/lib%.a)
commit     = $(shell Scripts/revision commit)
version   := $(shell sed -n 's/.*static let version = "\(.*\)"/\1/p' Sources/Host/leafroot/LeafRoot.swift)
# What is made for others has the time of the commit, so that it is the same whenever it is made.
time       = $(or $(SOURCE_DATE_EPOCH),$(shell Scripts/revision time),0)
about      = $(version) $(or $(commit),unknown) $(time)

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

build: setup guest $(statics) ## build/bin/leafroot, build/lib/leafroot/leafroot-init.ARCH
	LEAFROOT_COMMIT=$(commit) swift build -c release --product leafroot --static-swift-stdlib \
	  --disable-local-rpath -Xlinker -s -Xswiftc -Osize -Xswiftc -Xfrontend \
	  -Xswiftc -function-sections
	@install -D .build/release/leafroot build/bin/leafroot
	@install -D -t build/libexec/leafroot Scripts/fetch-kernels
	@install -D -m 644 -t build/libexec/leafroot Scripts/cache.sh

# Package.swift links the tool with these instead of the shared libraries.
$(statics): | setup
build/static/%.a:
	@mkdir -p $(@D)
	@archive=$$(clang -print-file-name=$*.a) && test -e "$$archive" && ln -sf "$$archive" $@

guest: setup $(guests)

build/lib/leafroot/leafroot-init.%: FORCE
	@Toolsets/build leafroot-init $* $@

censuses := build/test/census $(arches:%=build/test/census.%)

# The programs that list a tree and unpack an image for the tests, in the guest and on the host.
build/test/census: build/test/census.x86_64
	@cp $< $@

build/test/census.%: FORCE | build/lib/leafroot/leafroot-init.%
	@Toolsets/build census $* $@ && chmod +x $@

build/test/guest-unpack: build/test/guest-unpack.x86_64
	@cp $< $@

build/test/guest-unpack.%: FORCE | build/test/census.%
	@Toolsets/build guest-unpack $* $@ && chmod +x $@

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
	@$(MAKE) --no-print-directory --jobs=2 tests guest $(censuses) build/test/guest-unpack
	swift test --disable-xctest --skip-build --skip '^ProofTests\.' \
	  $(if $(FILTER),--filter '$(FILTER)')

tests: setup
	swift build --build-tests --disable-xctest

# The decoders are linked for the architectures, too, on which no test decodes.
others := $(patsubst %,build/test/guest-unpack.%,$(filter-out x86_64,$(arches)))

# The kernels of all series and architectures, those with faults, and those that are only compiled.
proof: build kit $(censuses) build/test/guest-unpack $(others) ## run the long tests, and all cases of the boot tests on all kernels
	@Scripts/fetch-kernels proof
	@Scripts/loaders proof
	@Benchmarks/yardstick >/dev/null
	@[ "$$(id -u)" -ne 0 ] || { Scripts/setup debootstrap && Scripts/systemd-tree; }
	@Kernel/update --check
	@Scripts/build-kernels 6.12 6.1 5.10 um-6.12 arm64-6.12 no-tmpfs-6.12 \
	  objects-6.12 objects-6.1 objects-5.10
	swift build --build-tests --disable-xctest
	@Scripts/proof '$(FILTER)'

# What the machines of bench run. Our own kernel is one of the ways that are compared.
bench-guests: build kit build/test/census
	@Scripts/setup squashfs-tools fakeroot e2fsprogs
	@Scripts/fetch-kernels 6.12-x86_64
	@Scripts/build-kernels 6.12 ram-disk-6.12
	swift build -c release --product bench

bench: bench-guests ## compare time, least memory, size and what is lost; build/bench/results.json
	.build/release/bench --document README.md

growth: bench-guests ## measure how time and memory grow with the image; build/bench/growth.json
	.build/release/bench growth --document Benchmarks/README.md \
	  --picture Documentation/pictures/growth.svg

# What is printed takes seconds; nobody waits longer for a line.
pictures: bench-guests ## draw the pictures of the documents, from the results of make bench
	.build/release/bench pictures Documentation/pictures
	@Scripts/setup termtosvg
	termtosvg Documentation/pictures/demo.svg --command Scripts/demo --screen-geometry 100x45 \
	  --template window_frame --max-frame-duration 2000

speed: build ## time listing and unpacking of images, beside other tools
	@Benchmarks/read-speed
	@Benchmarks/unpack-speed

fuzz: setup ## fuzz the readers of images, SECONDS each; build/fuzz
	@Fuzz/run $(SECONDS)

format: ## format the Swift sources
	@Scripts/lint --format

lint: setup ## check the formatting, and shell scripts
	@Scripts/lint

share: build ## the manuals as roff, completions, notices, the list of what is inside; build/share
	@Scripts/share $(about)

install: share install-integrations ## install to PREFIX, under DESTDIR
	@Scripts/install '$(DESTDIR)$(PREFIX)'

dist: share ## a tarball that runs from any directory; build/dist
	@Scripts/dist build/dist $(version) $(time)

deb: share ## packages for Debian; build/dist
	@Scripts/deb build/dist $(version) $(time)

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
