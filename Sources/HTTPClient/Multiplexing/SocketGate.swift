import Synchronization

/// Decides whether a transfer may open a socket.
///
/// Closed while requests share a connection: libcurl would open another one in its place as soon as the peer closes it,
/// and send everything that waits there at once.
final class SocketGate: Sendable {
    private let isOpen = Atomic(true)

    /// Whether a socket may be opened now.
    var allowsSocket: Bool { self.isOpen.load(ordering: .acquiring) }

    /// Lets sockets be opened, or not.
    func set(isOpen: Bool) { self.isOpen.store(isOpen, ordering: .releasing) }
}
