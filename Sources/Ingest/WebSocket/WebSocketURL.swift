/// Where a WebSocket server is: `wss://ws-feed.exchange.coinbase.com/path?query`.
public struct WebSocketURL: Hashable, Sendable, CustomStringConvertible {
    /// Whether the connection is encrypted (`wss`).
    public let isSecure: Bool
    /// Host name or address, IPv6 without its brackets.
    public let host: String
    /// The port, 80 or 443 when the text names none.
    public let port: Int
    /// Path and query, at least `/`.
    public let path: String

    /// Reads `ws://` and `wss://` URLs.
    ///
    /// - Throws: ``IngestError/invalidURL(_:)``.
    public init(_ text: String) throws(IngestError) {
        let rest: Substring
        if text.hasPrefix("wss://") {
            self.isSecure = true
            rest = text.dropFirst(6)
        } else if text.hasPrefix("ws://") {
            self.isSecure = false
            rest = text.dropFirst(5)
        } else {
            throw .invalidURL(text)
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest[authority.endIndex...]
        self.path = tail.isEmpty ? "/" : (tail.hasPrefix("/") ? String(tail) : "/" + tail)
        var host = authority
        var port = self.isSecure ? 443 : 80
        let portSearch = authority.lastIndex(of: "]").map { authority[$0...] } ?? authority
        if let colon = portSearch.lastIndex(of: ":") {
            guard let parsed = Int(authority[authority.index(after: colon)...]), (1...65535).contains(parsed) else {
                throw .invalidURL(text)
            }
            port = parsed
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains("@"), !text.contains(where: \.isWhitespace) else { throw .invalidURL(text) }
        self.host = String(host)
        self.port = port
    }

    /// The URL without its query, which may carry a key.
    public var description: String {
        let path = self.path.prefix { $0 != "?" }
        return
            "\(self.isSecure ? "wss" : "ws")://\(self.host.contains(":") ? "[\(self.host)]" : self.host):\(self.port)\(path)"
    }
}
