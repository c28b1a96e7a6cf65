import Foundation
import Ingest
import NIOCore
import NIOPosix
import NIOSSL
import Postgres

/// The fields of a ticker payload that are shown.
public struct WatchedTick: Decodable, Sendable {
    /// Where the price is from.
    public let venue: String
    /// The last price.
    public let price: String?
    /// The change against the reference.
    public let change: String?
    /// The change in percent.
    public let percentChange: String?
    /// The best buy offer.
    public let bid: String?
    /// The best sell offer.
    public let ask: String?
    /// The window's highest price.
    public let high: String?
    /// The window's lowest price.
    public let low: String?
    /// The window's volume.
    public let volume: String?
    /// When it happened.
    public let eventTime: String?
}

/// What a ``WatchClient`` sees.
public enum WatchEvent: Sendable {
    /// A snapshot or tick; the data is a JSON object.
    case tick(symbol: String, data: String)
    /// The connection is gone; the client connects again by itself.
    case disconnected(reason: String)
    /// The gateway will not serve this request, whatever is tried again.
    case refused(String)
}

/// A client of the Pusher protocol that follows ticker channels and connects again when the connection is lost.
public final class WatchClient: Sendable {
    private let base: String
    private let key: String
    private let symbols: [String]

    /// Makes a client; nothing connects before ``events()`` is iterated.
    ///
    /// - Parameters:
    ///   - url: The gateway, `ws://HOST:PORT` or `wss://…`.
    ///   - key: The app's public key.
    ///   - symbols: `SYMBOL` or `SYMBOL@VENUE`.
    public init(url: String, key: String, symbols: [String]) {
        self.base = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
        self.symbols = symbols
    }

    /// The events, from connecting to the end of iteration.
    ///
    /// The first connection must succeed; later ones are tried for ever.
    ///
    /// - Returns: Events in order; throws ``SetupError`` when nothing answers at first, `IngestError` for a bad URL.
    public func events() -> AsyncThrowingStream<WatchEvent, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task { await self.run(continuation) }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func run(_ continuation: AsyncThrowingStream<WatchEvent, any Error>.Continuation) async {
        var backOff = BackOff(first: .milliseconds(250), longest: .seconds(30))
        var hasConnected = false
        do {
            let url = try WebSocketURL("\(self.base)/app/\(self.key)?protocol=7&client=tickwire-watch&version=1.0.0")
            let tls = try NIOSSLContext(configuration: .makeClientConfiguration())
            let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
            while !Task.isCancelled {
                do {
                    let reason = try await self.follow(url, eventLoop, tls, continuation) { hasConnected = true }
                    backOff.reset()
                    continuation.yield(.disconnected(reason: reason))
                } catch let error where !hasConnected && !(error is CancellationError) {
                    throw SetupError.unavailable(
                        "No gateway answers at \(url). Start one with 'tickwire up', or name another with --url."
                    )
                } catch {
                    continuation.yield(.disconnected(reason: "\(error)"))
                }
                try await Task.sleep(for: backOff.next())
            }
            continuation.finish()
        } catch {
            continuation.finish(throwing: error is CancellationError ? nil : error)
        }
    }

    /// Follows the channels over one connection until it ends; returns why.
    private func follow(
        _ url: WebSocketURL, _ eventLoop: any EventLoop, _ tls: NIOSSLContext,
        _ continuation: AsyncThrowingStream<WatchEvent, any Error>.Continuation, connected: () -> Void
    ) async throws -> String {
        let ended = eventLoop.makePromise(of: String.self)
        let client: WebSocketClient
        do {
            client = try await WebSocketClient.connect(to: url, on: eventLoop, tls: tls) { client in
                WebSocketCallbacks(
                    message: { self.received(Data($0.readableBytesView), from: client, continuation) },
                    closed: { ended.succeed($0) }
                )
            }.get()
        } catch {
            ended.succeed("not connected")
            throw error
        }
        connected()
        return try await withTaskCancellationHandler {
            try await ended.futureResult.get()
        } onCancel: {
            client.close()
        }
    }

    /// The members of a frame that are needed; `data` is a string except in errors.
    private struct Frame: Decodable {
        struct ErrorData: Decodable {
            let message: String?
        }
        let event: String
        let channel: String?
        let data: String?
        let error: ErrorData?

        enum CodingKeys: String, CodingKey {
            case event, channel, data
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.event = try container.decode(String.self, forKey: .event)
            self.channel = try container.decodeIfPresent(String.self, forKey: .channel)
            // Which of the two it is decides the event; a frame with neither is none of ours.
            self.data = try? container.decode(String.self, forKey: .data)
            self.error = try? container.decode(ErrorData.self, forKey: .data)
        }
    }

    private func received(
        _ message: Data, from client: WebSocketClient,
        _ continuation: AsyncThrowingStream<WatchEvent, any Error>.Continuation
    ) {
        guard let frame = try? JSONDecoder().decode(Frame.self, from: message) else { return }
        switch frame.event {
        case "pusher:connection_established":
            for symbol in self.symbols {
                client.send(text: #"{"event":"pusher:subscribe","data":{"channel":"ticker-\#(symbol)"}}"#)
            }
        case "pusher:ping":
            client.send(text: #"{"event":"pusher:pong","data":{}}"#)
        case "pusher:error":
            continuation.yield(.refused(frame.error?.message ?? "The gateway reports an error."))
        case "tick", "snapshot":
            guard let channel = frame.channel, let data = frame.data, channel.hasPrefix("ticker-") else { return }
            continuation.yield(.tick(symbol: String(channel.dropFirst("ticker-".count)), data: data))
        default:
            break
        }
    }
}
