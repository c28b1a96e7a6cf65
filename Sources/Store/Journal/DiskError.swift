import Glibc

/// What the operating system said about a file.
struct DiskError: Error, Hashable, CustomStringConvertible {
    /// The system call, for example `write`.
    let call: String
    /// The error's number.
    let code: Int32

    /// The error's number for a disk that is full.
    static let noRoom = ENOSPC

    /// The call and the system's own words.
    var description: String { "\(self.call): \(String(cString: strerror(self.code)))" }

    /// Whether deleting something may help.
    var isLackOfRoom: Bool { self.code == ENOSPC || self.code == EDQUOT }
    /// Whether the file is not there.
    var isAbsence: Bool { self.code == ENOENT }
    /// Whether the device failed.
    var isFailingDevice: Bool { self.code == EIO }
}
