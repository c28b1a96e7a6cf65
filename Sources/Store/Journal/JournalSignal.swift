import Glibc

/// Wakes the journal's thread: a pipe, whose content means nothing but "look again".
final class JournalSignal: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32

    /// Fails when the process has no file descriptor left.
    init() throws(JournalError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .cannotStart(reason: "pipe: \(String(cString: strerror(errno)))") }
        for end in ends {
            // Neither call fails on a descriptor that has just been made.
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (self.readEnd, self.writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(self.readEnd)
        close(self.writeEnd)
    }

    /// Ends a wait, or the next one.
    func wake() {
        var byte: UInt8 = 0
        // A full pipe wakes as well.
        _ = write(self.writeEnd, &byte, 1)
    }

    /// Waits until woken or until `timeout` has passed; `nil` is for ever.
    func wait(_ timeout: Duration?) {
        var milliseconds: Int32 = -1
        if let timeout {
            let (seconds, attoseconds) = timeout.components
            // Rounded up: waking too early would be a loop that waits for nothing.
            milliseconds = Int32(
                clamping: seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
            guard milliseconds > 0 else { return }
        }
        var request = pollfd(fd: self.readEnd, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, milliseconds) > 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 64)
        _ = read(self.readEnd, &bytes, bytes.count)
    }
}
