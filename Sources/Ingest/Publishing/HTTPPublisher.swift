public import Channels
import Foundation
public import HTTPClient
public import Logging
import Market
import Synchronization

/// Publishes through a server with the Pusher HTTP API: a Tickwire gateway, hosted Pusher, or any compatible one.
///
/// Events leave in order, in signed batches. While the server does not answer they wait, up to a limit; beyond it the oldest go.
public final class HTTPPublisher: EventPublisher {
    /// Counts since start.
    public struct Counters: Sendable {
        /// Events that the server took.
        public var published = 0
        /// Events that were given up: the queue was full, or the server refused them.
        public var dropped = 0
        /// Events that wait.
        public var waiting = 0
    }

    private struct State {
        var queue: [ChannelEvent] = []
        var counters = Counters()
    }

    private let url: String
    private let app: App
    private let batchMax: Int
    private let queueMax: Int
    private let client: HTTPClient
    private let logger: Logger
    private let state = Mutex(State())
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// Makes a publisher; nothing is sent before ``run()``.
    ///
    /// - Parameters:
    ///   - url: The server's base, `http://HOST:PORT`.
    ///   - app: Whose channels; the secret signs.
    ///   - batchMax: Events a request; hosted Pusher takes 10, a Tickwire gateway 1000.
    ///   - queueMax: Events that may wait.
    ///   - client: Sends the requests.
    ///   - logger: Where failures are told.
    public init(
        url: String, app: App, batchMax: Int = 10, queueMax: Int = 100_000, client: HTTPClient, logger: Logger
    ) {
        self.url = url
        self.app = app
        self.batchMax = batchMax
        self.queueMax = queueMax
        self.client = client
        self.logger = logger
        (self.wakeUps, self.wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Counts since start.
    public var counters: Counters {
        self.state.withLock { state in
            var counters = state.counters
            counters.waiting = state.queue.count
            return counters
        }
    }

    /// Queues events for the next requests.
    public func publish(_ events: [ChannelEvent]) {
        self.state.withLock { state in
            // What is only kept for later subscribers has no word in the HTTP API.
            state.queue.append(contentsOf: events.lazy.filter { $0.retention != .keepOnly })
            let excess = state.queue.count - self.queueMax
            if excess > 0 {
                state.queue.removeFirst(excess)
                state.counters.dropped += excess
            }
        }
        self.wakeUp.yield()
    }

    /// Sends until cancelled.
    public func run() async {
        var failures = 0
        for await _ in self.wakeUps {
            while !Task.isCancelled, let batch = self.nextBatch() {
                if await self.send(batch) {
                    failures = 0
                    continue
                }
                self.state.withLock { $0.queue.insert(contentsOf: batch, at: 0) }
                failures += 1
                let seconds = min(30, 0.25 * Double(1 << min(failures - 1, 7))) * Double.random(in: 0.8...1.2)
                do { try await Task.sleep(for: .seconds(seconds)) } catch { return }
            }
        }
    }

    private func nextBatch() -> [ChannelEvent]? {
        self.state.withLock { state in
            guard !state.queue.isEmpty else { return nil }
            let batch = Array(state.queue.prefix(self.batchMax))
            state.queue.removeFirst(batch.count)
            return batch
        }
    }

    /// Sends one batch.
    ///
    /// - Returns: `false` when it should be tried again.
    private func send(_ batch: [ChannelEvent]) async -> Bool {
        let path = "/apps/\(self.app.id)/batch_events"
        let body = Self.body(of: batch)
        let query = RequestSigning(app: self.app).query(
            method: "POST", path: path, body: body, now: Int64(Date().timeIntervalSince1970)
        )
        do {
            let response = try await self.client.execute(
                HTTPRequest(
                    method: "POST", url: "\(self.url)\(path)?\(query)",
                    headers: [HTTPHeader("Content-Type", "application/json")], body: body, timeout: .seconds(10)
                )
            )
            switch response.status {
            case 200, 202:
                self.state.withLock { $0.counters.published += batch.count }
                return true
            case 400, 413:
                self.logger.error(
                    "Server refuses events",
                    metadata: [
                        "status": "\(response.status)",
                        "error": "\(String(decoding: response.body.prefix(200), as: UTF8.self))",
                    ]
                )
                self.state.withLock { $0.counters.dropped += batch.count }
                return true
            default:
                self.logger.warning(
                    "Server does not take events",
                    metadata: [
                        "status": "\(response.status)",
                        "error": "\(String(decoding: response.body.prefix(200), as: UTF8.self))",
                    ]
                )
                return false
            }
        } catch {
            if !Task.isCancelled { self.logger.warning("Events wait for the server", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    private static func body(of batch: [ChannelEvent]) -> [UInt8] {
        var body: [UInt8] = []
        body.append(literal: "{\"batch\":[")
        for (index, event) in batch.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(literal: "{\"channel\":")
            body.appendJSONString(event.channel)
            body.append(literal: ",\"name\":")
            body.appendJSONString(event.name)
            body.append(literal: ",\"data\":\"")
            event.data.withUnsafeBufferPointer { body.appendJSONEscaped($0) }
            body.append(UInt8(ascii: "\""))
            if let socketID = event.excludedSocketID {
                body.append(literal: ",\"socket_id\":")
                body.appendJSONString(socketID)
            }
            body.append(UInt8(ascii: "}"))
        }
        body.append(literal: "]}")
        return body
    }
}
