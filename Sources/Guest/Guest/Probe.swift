// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf

/// The real init of a machine that `leafroot boot` has started: prints the result of `check` on the
/// console, runs the command, if any, and resets the machine, which ends it.
///
/// Each line for the host begins with ``Vocabulary/reportPrefix``.
struct Probe {
  func run() {
    let uptime = milliseconds()
    Log.showOnConsole(false)
    let log = Log()
    log.forEachRecord { record in
      if record.message.starts(with: Vocabulary.logPrefix)
        || record.message.starts(with: Vocabulary.failurePrefix)
      {
        say(Vocabulary.logReport, record.message)
      }
    }

    let proc = Proc()
    var json = Check(proc).json
    proc.close()
    json.add(",\"uptime\":")
    json.add(uptime / 1000)
    json.add(".")
    for unit in [100, 10, 1] { json.add(uptime / unit % 10) }
    json.add("}")
    say(Vocabulary.checkReport, json.bytes[...])

    if let command = content(of: Vocabulary.commandPath) {
      let terminalSize = content(of: Vocabulary.terminalPath)
      if let terminalSize { takeTerminal(terminalSize) } else { Log.showOnConsole(true) }
      say(Vocabulary.commandReport, [])
      let status = run(command)
      Log.showOnConsole(false)
      if terminalSize != nil { leaveTerminal() }
      var text = Text()
      text.add(Int(status))
      say(Vocabulary.exitReport, text.bytes[...])
      if terminalSize != nil {
        log.forEachNewRecord { say(Vocabulary.kernelReport, $0.message) }
      }
    }
    sync()
    // reboot(2) does not wait for output that the console has not sent yet.
    tcdrain(1)
    reboot(Int32(bitPattern: UInt32(RB_AUTOBOOT)))
  }

  private func say(_ what: StaticString, _ text: ArraySlice<UInt8>) {
    var line = Text("\n")
    line.add(Vocabulary.reportPrefix)
    line.add(what)
    line.add(text)
    line.add("\n")
    line.write(to: 1)
  }

  /// Makes the console the terminal of the command, with job control and signals by keys. This
  /// process leads the session, because the end of a leader hangs up the terminal, which loses
  /// unsent output.
  private func takeTerminal(_ size: [UInt8]) {
    setsid()
    _ = linux_terminal_control(0, UInt(TIOCSCTTY), nil)
    size.withUnsafeBytes { _ = linux_terminal_control(0, UInt(TIOCSWINSZ), $0.baseAddress) }
  }

  /// Gives up the terminal: tcdrain(3) fails on that of a session with others in the foreground.
  private func leaveTerminal() { _ = linux_terminal_control(0, UInt(TIOCNOTTY), nil) }

  /// The content of a small file of the boot; of the command: its arguments, each ended by a NUL.
  private func content(of path: StaticString) -> [UInt8]? {
    let file = path.withCString { linux_openat(AT_FDCWD, $0, O_RDONLY, 0) }
    if file < 0 { return nil }
    defer { close(file) }
    var content = [UInt8](repeating: 0, count: 65536)
    let count = read(file, &content, content.count)
    return count > 0 ? Array(content[..<count]) : nil
  }

  /// - Returns: the exit status; 128 + N for signal N, as in a shell.
  private func run(_ command: [UInt8]) -> Int32 {
    let child = fork()
    if child == 0 {
      execute(command)
      _exit(127)
    }

    var status: Int32 = 0
    while true {
      let ended = waitpid(-1, &status, 0)
      if ended == child { break }
      if ended < 0 && linux_errno() != EINTR { return 127 }
    }
    return linux_exited(status) != 0 ? linux_exit_status(status) : 128 + linux_signal(status)
  }

  private func execute(_ command: [UInt8]) {
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0)
    command.withUnsafeBytes { raw in
      let text = raw.baseAddress!.assumingMemoryBound(to: CChar.self)
      var arguments: [UnsafeMutablePointer<CChar>?] = []
      var start = 0
      while start < raw.count {
        arguments.append(UnsafeMutablePointer(mutating: text + start))
        start += strlen(text + start) + 1
      }
      arguments.append(nil)
      execvp(text, arguments)

      var line = Text(Vocabulary.logPrefix)
      line.add(cString: text)
      line.add(": ")
      line.add(error: linux_errno())
      line.add("\n")
      line.write(to: 2)
    }
  }
}
