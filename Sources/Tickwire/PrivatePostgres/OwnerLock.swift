import Foundation

/// The right to stop the private server: held by one process at a time, and given back by the kernel when it ends in any way.
final class OwnerLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock; fails while another process holds it.
    ///
    /// - Parameter path: The lock file; made if need be.
    init?(path: String) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }
}
