import Foundation

/// Standard output and standard error: data goes to the one, everything else to the other.
enum Terminal {
    /// Writes a line of data.
    static func print(_ line: String) { self.write(line + "\n", to: STDOUT_FILENO) }

    /// Writes data as it is.
    static func write(_ text: String) { self.write(text, to: STDOUT_FILENO) }

    /// Writes bytes of data as they are.
    static func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { self.write($0, to: STDOUT_FILENO) } }

    /// Writes a line for the person, not for the pipe.
    static func note(_ line: String) { self.write(line + "\n", to: STDERR_FILENO) }

    /// Whether standard output is a terminal that may be coloured and redrawn.
    static let isInteractive = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// Whether colour is wanted: on a terminal, and never with `NO_COLOR` (no-color.org).
    static let hasColor = isInteractive && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty

    /// Whether standard error is a terminal, where progress may be shown.
    static let hasProgress = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// The width of standard output's terminal; `COLUMNS` or 80 where there is none.
    static var columns: Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 80
    }

    /// The height of standard output's terminal; `LINES` or 24 where there is none.
    static var lines: Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 { return Int(size.ws_row) }
        return ProcessInfo.processInfo.environment["LINES"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 24
    }

    /// Writes a line for the person over the one before, which has no end; an empty one takes it away.
    static func showProgress(_ line: String) { self.write("\r\u{1B}[K" + line, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { self.write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                // The reader has gone (`| head`): there is nobody left to tell.
                Foundation.exit(errno == EPIPE ? 0 : 74)
            }
            rest = rest.dropFirst(count)
        }
    }
}
