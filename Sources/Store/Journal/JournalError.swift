/// What can go wrong while opening, reading and checking a journal.
public enum JournalError: Error, Hashable, CustomStringConvertible {
    /// The folder or a file in it cannot be made, opened or written.
    case cannotOpen(path: String, reason: String)
    /// Another process, or this one a second time, has the journal open.
    case inUse(directory: String, process: Int32?)
    /// The file with the journal's id holds something else.
    case damagedID(file: String, content: String)
    /// There are segments but no id, and no segment says whose it is.
    case missingID(directory: String)
    /// A segment was written by a later version of this program.
    case unknownVersion(file: String, version: UInt16)
    /// A file cannot be read.
    case unreadable(file: String, reason: String)
    /// The journal's thread cannot be started.
    case cannotStart(reason: String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "Cannot use '\(path)' for the journal: \(reason). Make it writable for this user, or choose another folder."
        case .inUse(let directory, let process):
            "The journal in '\(directory)' is in use by \(process.map { "process \($0)" } ?? "another process"). Stop that one, or choose another folder."
        case .damagedID(let file, let content):
            "'\(file)' holds '\(content)', expected a UUID. Delete the file: the id is then taken from the segments beside it."
        case .missingID(let directory):
            "The journal in '\(directory)' has segments but no readable id. Put its file 'id' back, or move the folder away to begin a new journal."
        case .unknownVersion(let file, let version):
            "'\(file)' has format version \(version), known is \(SegmentHeader.version). Use the newer tickwire that wrote it, or move the folder away to begin a new journal."
        case .unreadable(let file, let reason):
            "Cannot read '\(file)': \(reason). Check the path, the permissions and the disk."
        case .cannotStart(let reason):
            "The journal's thread cannot be started: \(reason). Raise the limit of processes and threads (ulimit -u)."
        }
    }
}
