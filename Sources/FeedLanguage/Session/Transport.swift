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

    /// Makes a header.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

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
    let headerTemplates: [HeaderTemplate]
    let rules: SymbolRules

    /// The handshake's headers as the file writes them, without values from the environment.
    public var headers: [Header] { self.headerTemplates.map { $0.render(.fixed) } }

    /// The address for a connection that carries `symbols`, without values from the environment or a bootstrap.
    public func url(for symbols: [Symbol]) -> String { self.url(for: symbols, .fixed) }

    /// The address for a connection that carries `symbols`.
    func url(for symbols: [Symbol], _ context: RenderContext) -> String {
        var context = context
        context.symbols = symbols.compactMap(self.rules.native(for:))
        context.symbol = context.symbols.first ?? ""
        context.counter = 1
        return self.url.render(context, encoding: .address)
    }

    /// Whether the address names the symbols, so that other symbols need another connection.
    var hasSymbolsInAddress: Bool { self.url.hasSymbol || self.url.hasSymbols }
}

/// What a venue allows.
public struct FeedLimits: Hashable, Sendable {
    /// The most symbols one connection may carry.
    public var symbolsPerConnection = 100
    /// The most symbols one subscription message may name; `nil` is any number.
    public var symbolsPerMessage: Int?
    /// The most messages a second from us.
    public var messagesPerSecond = 5
    /// The most messages an hour from us on one connection, keep-alive and replies not counted; `nil` is any number.
    public var messagesPerHour: Int?
    /// The most attempts to connect in a minute, all connections of the feed together; `nil` is any number.
    public var connectsPerMinute: Int?
    /// The most connections at once; `nil` is any number.
    public var connections: Int?
}

/// What keeps a quiet connection open.
struct KeepAlive: Hashable, Sendable {
    /// How often.
    enum Interval: Hashable, Sendable {
        case fixed(Duration)
        /// Every so many `unit`s as a bootstrap request has captured, `fallback` where that is no number.
        case captured(String, unit: Duration, fallback: Duration)
    }

    /// What is sent.
    enum Content: Hashable, Sendable {
        case message(MessageTemplate)
        /// A WebSocket ping.
        case ping
        /// The subscription once more.
        case resubscribe
    }

    var interval: Interval
    var content: Content
    /// Only when nothing has come in for so long.
    var isOnlyWhenQuiet = false

    /// How often, given what was captured: at least a second and at most an hour.
    func interval(captures: [String: String]) -> Duration {
        switch self.interval {
        case .fixed(let interval): return interval
        case .captured(let name, let unit, let fallback):
            guard let count = captures[name].flatMap(Double.init), count > 0, count < 1e12 else { return fallback }
            return min(max(unit * count, .seconds(1)), .seconds(3600))
        }
    }
}

/// `connect` of a feed file.
struct ConnectionSettings: Sendable {
    var transport: Transport
    var limits = FeedLimits()
    var encoding = FrameEncoding.text
    var bootstrap: BootstrapPlan?
    var opening: [OpeningStep] = []
    /// What `onOpen.expect` waits for, each as a rule that takes the frame.
    var expectations: [MessageRule] = []
    var idleTimeout: Duration = .seconds(30)
    var dataTimeout: Duration?
    var connectTimeout: Duration = .seconds(10)
    var maximumAge: Duration?
    var keepAlive: KeepAlive?
}
