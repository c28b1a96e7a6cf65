public import Market

/// How a feed's frames come in.
public enum Transport: Sendable {
    /// Over a WebSocket; drive it with ``FeedSession``.
    case webSocket(WebSocketPlan)
    /// By asking again and again over HTTP.
    case poll(PollPlan)
}

/// A header of an HTTP request.
public struct Header: Hashable, Sendable {
    /// The name as the file writes it.
    public let name: String
    /// The value.
    public let value: String

    /// Whether a byte may stand in a header's name, RFC 9110 section 5.6.2.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

/// Where a WebSocket feed lives.
public struct WebSocketPlan: Sendable {
    let url: TextTemplate
    /// Headers of the handshake.
    public let headers: [Header]
    let rules: SymbolRules

    /// The address for a connection that carries `symbols`.
    public func url(for symbols: [Symbol]) -> String {
        let natives = symbols.compactMap(self.rules.native(for:))
        return self.url.render(
            symbol: natives.first ?? "", symbols: natives, counter: 1, encode: TextTemplate.percentEncoded
        )
    }
}

/// What a polled feed asks, and how often.
public struct PollPlan: Sendable {
    /// One GET request.
    public struct Request: Hashable, Sendable {
        /// The full address.
        public let url: String
        /// Headers to send.
        public let headers: [Header]
        /// The symbols that the answer is about.
        public let symbols: [Symbol]
    }

    let url: TextTemplate
    /// From one request for a symbol to the next.
    public let interval: Duration
    /// Headers of every request.
    public let headers: [Header]
    /// The most symbols one request may name.
    public let symbolsPerRequest: Int
    let rules: SymbolRules

    /// The requests that together ask for `symbols`; those that the venue cannot spell are left out.
    public func requests(for symbols: [Symbol]) -> [Request] {
        let known = symbols.filter { self.rules.native(for: $0) != nil }
        return stride(from: 0, to: known.count, by: self.symbolsPerRequest).map { start in
            let batch = Array(known[start..<min(start + self.symbolsPerRequest, known.count)])
            let natives = batch.compactMap(self.rules.native(for:))
            let url = self.url.render(
                symbol: natives.first ?? "", symbols: natives, counter: 1, encode: TextTemplate.percentEncoded
            )
            return Request(url: url, headers: self.headers, symbols: batch)
        }
    }
}

/// What a venue allows on one connection.
public struct FeedLimits: Hashable, Sendable {
    /// The most symbols one connection may carry.
    public var symbolsPerConnection = 100
    /// The most symbols one subscription message may name; `nil` is any number.
    public var symbolsPerMessage: Int?
    /// The most messages a second from us.
    public var messagesPerSecond = 5
}

/// The message that keeps a quiet connection open.
struct KeepAlive: Sendable {
    var interval: Duration
    var message: MessageTemplate
}

/// `connect` of a feed file.
struct ConnectionSettings: Sendable {
    var transport: Transport
    var limits = FeedLimits()
    var idleTimeout: Duration = .seconds(30)
    var connectTimeout: Duration = .seconds(10)
    var maximumAge: Duration?
    var keepAlive: KeepAlive?
}
