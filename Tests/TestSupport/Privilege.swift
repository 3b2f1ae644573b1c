// SPDX-License-Identifier: MIT

import Glibc

/// Whether the tests that need root are run. Ordinary users may go without them; where
/// LEAFROOT_MUST_RUN is set, each fails instead.
public enum Privilege {
  public static let mayRun = geteuid() == 0 || getenv("LEAFROOT_MUST_RUN") != nil
}
