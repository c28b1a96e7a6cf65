import Foundation
public import Notifications

/// The file that keeps a VAPID key: readable for its owner only.
public enum VAPIDKeyFile {
    /// Writes `key` to `path`, complete or not at all.
    ///
    /// - Parameters:
    ///   - key: The new key.
    ///   - path: Where; the folder is made.
    ///   - replacing: Whether a file that is there is replaced; it then stays beside as `….previous`.
    /// - Returns: Whether it was written; `false` if a file is there that must not be replaced.
    /// - Throws: ``SetupError/notPermitted(path:fix:)``.
    public static func write(_ key: VAPIDKey, to path: String, replacing: Bool) throws(SetupError) -> Bool {
        let folder = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .notPermitted(path: folder, fix: "Choose a writable folder with --data-dir.")
        }
        let draft = "\(path).\(getpid()).new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .notPermitted(path: draft, fix: "Choose a writable folder with --data-dir.")
        }
        defer { unlink(draft) }
        let bytes = Array((key.exposedPEM + "\n").utf8)
        let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        let isSynced = fsync(descriptor) == 0
        guard close(descriptor) == 0, written == bytes.count, isSynced else {
            throw .notPermitted(path: draft, fix: "Is the disk full?")
        }
        // A link fails when the name is taken, whoever took it meanwhile.
        if link(draft, path) == 0 { return true }
        guard replacing else { return false }
        let previous = path + ".previous"
        unlink(previous)
        guard link(path, previous) == 0, rename(draft, path) == 0 else {
            throw .notPermitted(path: path, fix: "Choose a writable folder with --data-dir.")
        }
        return true
    }
}
