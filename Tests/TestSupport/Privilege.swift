// SPDX-License-Identifier: MIT

import Glibc

/// Whether to run tests that need root. Ordinary users may skip them; if LEAFROOT_MUST_RUN is set,
/// they fail instead.
public enum Privilege {
  public static let mayRun = geteuid() == 0 || getenv("LEAFROOT_MUST_RUN") != nil
}
