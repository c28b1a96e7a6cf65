import Atomics
import NIOCore
import Synchronization

/// The sessions of the HTTP fallback over all event loops: a session lives on the loop of its first request, and a request
/// on any other loop finds it here.
final class FallbackSessions: Sendable {
    /// What a client calls its session.
    struct Key: Hashable, Sendable {
        /// The app's key.
        var app: String
        /// A number and eight characters that the client chose.
        var session: String
    }

    /// A session and where it lives.
    struct Entry: Sendable {
        let eventLoop: any EventLoop
        let connection: NIOLoopBound<FallbackConnection>
        fileprivate let identity: ObjectIdentifier

        /// Call it on `connection`'s loop.
        init(_ connection: FallbackConnection) {
            self.eventLoop = connection.eventLoop
            self.connection = NIOLoopBound(connection, eventLoop: connection.eventLoop)
            self.identity = ObjectIdentifier(connection)
        }
    }

    /// What came of asking for a session.
    enum Outcome {
        case found(Entry)
        case made(Entry)
        /// There are as many as may be, over all or from one address.
        case full
    }

    private let entries = Mutex<[Key: Entry]>([:])
    /// Event streams open now.
    let eventStreams = ManagedAtomic(0)
    /// Sessions by their first receive request.
    let streaming = ManagedAtomic(0)
    let polling = ManagedAtomic(0)

    /// The session named `key`, if there is one.
    func find(_ key: Key) -> Entry? {
        self.entries.withLock { $0[key] }
    }

    /// The session named `key`, or a new one.
    ///
    /// - Parameters:
    ///   - key: The session's name.
    ///   - max: How many there may be.
    ///   - count: Counts a new session where else it counts, and says whether it may be; not called when one is found.
    ///   - make: Makes the session that was counted, and must have no effects beyond that.
    /// - Returns: The session, old or new, or that there is no room.
    func findOrInsert(_ key: Key, max: Int, count: () -> Bool, make: () -> FallbackConnection) -> Outcome {
        self.entries.withLock { entries in
            if let entry = entries[key] { return .found(entry) }
            guard entries.count < max, count() else { return .full }
            let entry = Entry(make())
            entries[key] = entry
            return .made(entry)
        }
    }

    /// Forgets a session, unless its name means another one by now.
    func remove(_ key: Key, _ connection: FallbackConnection) {
        let identity = ObjectIdentifier(connection)
        self.entries.withLock { entries in
            if entries[key]?.identity == identity { entries[key] = nil }
        }
    }

    /// Ends all sessions that no client listens to: nobody can come back when the server has stopped listening.
    func endWaiting() {
        for entry in self.entries.withLock({ Array($0.values) }) {
            entry.eventLoop.execute { entry.connection.value.endIfWaiting() }
        }
    }

    /// The open connections by transport in Prometheus' text format; `connections` is the number of all.
    func metrics(connections: Int) -> String {
        let streaming = self.streaming.load(ordering: .relaxed)
        let polling = self.polling.load(ordering: .relaxed)
        let eventStreams = self.eventStreams.load(ordering: .relaxed)
        // The numbers are read one after the other, so that the difference may be off for a moment.
        let webSockets = Swift.max(0, connections - streaming - polling - eventStreams)
        let rows = [
            ("websocket", webSockets), ("xhr_streaming", streaming), ("xhr_polling", polling), ("sse", eventStreams),
        ]
        return "# HELP tickwire_gateway_sessions Client sessions open now, by transport.\n"
            + "# TYPE tickwire_gateway_sessions gauge\n"
            + rows.map { "tickwire_gateway_sessions{transport=\"\($0)\"} \($1)\n" }.joined()
    }
}
