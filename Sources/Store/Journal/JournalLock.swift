import Glibc

/// A journal's folder for one process alone, for as long as this object lives.
final class JournalLock: Sendable {
    private let file: Int32

    /// Takes the lock of the folder.
    init(directory: String) throws(JournalError) {
        let path = directory + "/lock"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .cannotOpen(path: path, reason: String(cString: strerror(errno))) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = Self.owner(file)
            close(file)
            guard code == EWOULDBLOCK else { throw .cannotOpen(path: path, reason: String(cString: strerror(code))) }
            throw .inUse(directory: directory, process: owner)
        }
        self.file = file
        // Only for the message that another process prints: on a full disk it does without.
        let text = "\(getpid())\n"
        if ftruncate(file, 0) == 0 { _ = pwrite(file, text, text.utf8.count, 0) }
    }

    deinit { close(self.file) }

    /// The process that wrote itself into the file.
    private static func owner(_ file: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
