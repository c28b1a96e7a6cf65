import Glibc

/// The file operations as the operating system has them.
struct SystemDisk: JournalDisk {
    func create(_ path: String) throws(DiskError) -> Int32 {
        try Self.retrying("open") { Glibc.open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
    }

    func open(_ path: String, isWritable: Bool) throws(DiskError) -> Int32 {
        try Self.retrying("open") { Glibc.open(path, (isWritable ? O_RDWR : O_RDONLY) | O_CLOEXEC) }
    }

    func size(_ file: Int32) throws(DiskError) -> Int64 {
        var status = stat()
        _ = try Self.retrying("fstat") { fstat(file, &status) }
        return Int64(status.st_size)
    }

    func read(_ file: Int32, into bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(DiskError) -> Int {
        try Self.retrying("read") { pread(file, bytes.baseAddress, bytes.count, Int(offset)) }
    }

    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(DiskError) -> Int {
        let count = try Self.retrying("write") { pwrite(file, bytes.baseAddress, bytes.count, Int(offset)) }
        // POSIX leaves this open; taken for a full disk, it is at least not tried again at once for ever.
        guard count > 0 else { throw DiskError(call: "write", code: ENOSPC) }
        return count
    }

    func truncate(_ file: Int32, to size: Int64) throws(DiskError) {
        _ = try Self.retrying("ftruncate") { ftruncate(file, Int(size)) }
    }

    func sync(_ file: Int32) throws(DiskError) { _ = try Self.retrying("fdatasync") { fdatasync(file) } }

    func syncDirectory(_ path: String) throws(DiskError) {
        let file = try Self.retrying("open") { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { Glibc.close(file) }
        _ = try Self.retrying("fsync") { fsync(file) }
    }

    func remove(_ path: String) throws(DiskError) { _ = try Self.retrying("unlink") { unlink(path) } }

    func rename(_ path: String, to newPath: String) throws(DiskError) {
        _ = try Self.retrying("rename") { Glibc.rename(path, newPath) }
    }

    func names(in directory: String) throws(DiskError) -> [String] {
        guard let stream = opendir(directory) else { throw DiskError(call: "opendir", code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
            errno = 0
        }
        guard errno == 0 else { throw DiskError(call: "readdir", code: errno) }
        return names
    }

    func close(_ file: Int32) { Glibc.close(file) }

    /// Calls again when a signal came in between.
    @discardableResult
    private static func retrying<Value: SignedInteger>(_ call: String, _ body: () -> Value) throws(DiskError) -> Value {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw DiskError(call: call, code: code) }
        }
    }
}
