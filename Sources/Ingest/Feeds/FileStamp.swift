import Foundation

/// What a file looks like from outside: two that are equal have the same content, as far as that can be told without reading.
struct FileStamp: Equatable, Sendable {
    let modifiedSeconds: Int
    let modifiedNanoseconds: Int
    let size: Int64
    let inode: UInt64

    /// Looks at a file; `nil` when there is none.
    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        self.modifiedSeconds = info.st_mtim.tv_sec
        self.modifiedNanoseconds = info.st_mtim.tv_nsec
        self.size = Int64(info.st_size)
        self.inode = UInt64(info.st_ino)
    }
}

/// Tells a changed set of files from one that is just being written.
struct FileWatch: Sendable {
    private var accepted: [FileStamp?]
    private var lastSeen: [FileStamp?]

    /// Starts from the files as they are now.
    init(_ stamps: [FileStamp?]) {
        self.accepted = stamps
        self.lastSeen = stamps
    }

    /// The files were looked at again.
    ///
    /// - Returns: Whether they differ from the last time that this was answered with yes, and have come to rest.
    mutating func looked(_ stamps: [FileStamp?]) -> Bool {
        defer { self.lastSeen = stamps }
        guard stamps != self.accepted, stamps == self.lastSeen else { return false }
        self.accepted = stamps
        return true
    }
}
