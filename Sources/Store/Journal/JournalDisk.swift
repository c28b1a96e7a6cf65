/// The file operations of the journal, so that tests can make them fail.
protocol JournalDisk: Sendable {
    /// Makes a file, or empties it when it is there, for reading and writing.
    func create(_ path: String) throws(DiskError) -> Int32
    /// Opens a file that is there.
    func open(_ path: String, isWritable: Bool) throws(DiskError) -> Int32
    /// The file's size in bytes.
    func size(_ file: Int32) throws(DiskError) -> Int64
    /// Reads at `offset`, and returns how many bytes: fewer than asked for, zero at the file's end.
    func read(_ file: Int32, into bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(DiskError) -> Int
    /// Writes at `offset`, and returns how many bytes, at least one.
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(DiskError) -> Int
    /// Cuts the file.
    func truncate(_ file: Int32, to size: Int64) throws(DiskError)
    /// Waits until the file's content is on the disk.
    func sync(_ file: Int32) throws(DiskError)
    /// Waits until the folder's entries are on the disk.
    func syncDirectory(_ path: String) throws(DiskError)
    /// Removes a file.
    func remove(_ path: String) throws(DiskError)
    /// Renames a file over another.
    func rename(_ path: String, to newPath: String) throws(DiskError)
    /// The names in a folder.
    func names(in directory: String) throws(DiskError) -> [String]
    /// Closes a file. What is not synced is not sure to be on the disk, so there is no error to hear of.
    func close(_ file: Int32)
}

extension JournalDisk {
    /// Writes all of `bytes`, or throws with a part of it written.
    func writeAll(_ file: Int32, _ bytes: [UInt8], at offset: Int64) throws(DiskError) {
        // A rethrowing closure cannot carry the error's type.
        let result = bytes.withUnsafeBytes { all -> Result<Void, DiskError> in
            var rest = all[...]
            do throws(DiskError) {
                while !rest.isEmpty {
                    let done = offset + Int64(all.count - rest.count)
                    rest = rest.dropFirst(try self.write(file, UnsafeRawBufferPointer(rebasing: rest), at: done))
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
