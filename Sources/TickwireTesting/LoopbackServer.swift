import Glibc
import Synchronization

/// A request as the loopback server read it.
public struct ReceivedRequest: Sendable {
    /// The request line.
    public let line: String
    /// The headers, names in lower case.
    public let headers: [String: String]
    /// The body.
    public let body: [UInt8]
    /// The number of the connection it came on, from 1.
    public let connection: Int
}

/// A small HTTP/1.1 server on 127.0.0.1 with a thread for each connection, for tests only.
public final class LoopbackServer: Sendable {
    /// What the server does with a request.
    public enum Reply: Sendable {
        /// These bytes, then the connection stays open.
        case send(String)
        /// These bytes, then the connection is closed.
        case sendAndClose(String)
        /// Nothing, until the client gives up.
        case hang
    }

    /// What happened at the server.
    public enum Event: Sendable, Equatable {
        /// A request arrived, with this request line.
        case received(String)
        /// A client closed its connection.
        case clientClosed
    }

    /// The port it listens on.
    public let port: UInt16
    /// What happened, in order.
    public let events: AsyncStream<Event>
    private let listener: Int32
    private let handler: @Sendable (ReceivedRequest) -> Reply
    private let eventSink: AsyncStream<Event>.Continuation
    private let connections = Mutex(0)

    /// Listens on a free port at once.
    ///
    /// - Parameter handler: Called on the connection's thread, which it may block.
    public init(_ handler: @escaping @Sendable (ReceivedRequest) -> Reply) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 256) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        precondition(isListening, "cannot listen on 127.0.0.1")
        self.listener = listener
        self.port = UInt16(bigEndian: address.sin_port)
        self.handler = handler
        (self.events, self.eventSink) = AsyncStream.makeStream()
        startThread { self.acceptAll() }
    }

    /// The server's address without a path.
    public var url: String { "http://127.0.0.1:\(self.port)" }
    /// How many connections were accepted.
    public var connectionCount: Int { self.connections.withLock { $0 } }

    /// Refuses new connections; those that are open end with their clients.
    public func stop() { shutdown(self.listener, Int32(SHUT_RDWR)) }

    private func acceptAll() {
        while true {
            let descriptor = accept(self.listener, nil, nil)
            guard descriptor >= 0 else { break }
            let number = self.connections.withLock { count in
                count += 1
                return count
            }
            startThread { self.serve(descriptor, number) }
        }
        close(self.listener)
    }

    private func serve(_ descriptor: Int32, _ number: Int) {
        defer { close(descriptor) }
        var buffer: [UInt8] = []
        while let request = Self.read(descriptor, &buffer, number) {
            self.eventSink.yield(.received(request.line))
            switch self.handler(request) {
            case .send(let text): Self.write(descriptor, text)
            case .sendAndClose(let text):
                Self.write(descriptor, text)
                return
            case .hang: break
            }
        }
        self.eventSink.yield(.clientClosed)
    }

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8], _ number: Int) -> ReceivedRequest? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let start = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) {
                let lines = String(decoding: buffer[..<start], as: UTF8.self).split(separator: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
                }
                let length = headers["content-length"].flatMap { Int($0) } ?? 0
                if buffer.count >= start + 4 + length {
                    let body = Array(buffer[(start + 4)..<(start + 4 + length)])
                    buffer.removeSubrange(..<(start + 4 + length))
                    return ReceivedRequest(
                        line: lines.first.map(String.init) ?? "", headers: headers, body: body, connection: number)
                }
            }
            var chunk = [UInt8](repeating: 0, count: 16_384)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            buffer.append(contentsOf: chunk[..<count])
        }
    }

    private static func write(_ descriptor: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// An answer with a length.
    public static func answer(_ status: String = "200 OK", headers: String = "", body: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

private func startThread(_ run: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let code = pthread_create(&thread, nil, threadMain, Unmanaged.passRetained(ThreadBody(run)).toOpaque())
    precondition(code == 0, "cannot start a thread")
    pthread_detach(thread)
}
