import Synchronization

/// The data of a `COPY … TO STDOUT` under way; see ``PostgresConnection/withCopyOut(_:pieceBytes:_:)``.
public final class PostgresCopyOut: Sendable {
    private let read: @Sendable () async throws(PostgresError) -> [UInt8]?
    private let ended = Mutex(false)

    init(_ read: @escaping @Sendable () async throws(PostgresError) -> [UInt8]?) { self.read = read }

    /// Whether the server has sent its last row.
    var hasEnded: Bool { self.ended.withLock { $0 } }

    /// The next piece: whole rows as the server sent them, in order; `nil` behind the last.
    ///
    /// - Throws: ``PostgresError``; then no piece follows.
    public func next() async throws(PostgresError) -> [UInt8]? {
        if self.hasEnded { return nil }
        let piece = try await self.read()
        if piece == nil { self.ended.withLock { $0 = true } }
        return piece
    }

    /// Reads up to so many pieces without looking at them.
    ///
    /// Where little is left, that takes less than telling the server to stop.
    public func drain(pieces: Int = 4) async throws(PostgresError) {
        for _ in 0..<pieces where try await self.next() == nil { return }
    }
}
