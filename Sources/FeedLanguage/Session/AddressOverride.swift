/// Where a feed's servers are in place of the addresses in its file: `--feed-url NAME=URL`.
///
/// An address without a path, or with `/` alone, replaces scheme, host and port only. With a path it replaces the feed's own
/// address, whose query stays unless the override has one. HTTP requests besides it, for a token or for what was missed, go
/// to the same host and port, with http for ws and https for wss.
public struct AddressOverride: Hashable, Sendable {
    private let scheme: String
    private let authority: String
    private let path: String
    private let query: String

    /// Reads an address; `nil` unless it starts with `ws://`, `wss://`, `http://` or `https://` and names a host.
    public init?(_ text: String) {
        guard let parts = Self.split(text), ["ws", "wss", "http", "https"].contains(parts.scheme),
            !parts.authority.isEmpty
        else { return nil }
        self.scheme = parts.scheme
        self.authority = parts.authority
        self.path = parts.path == "/" ? "" : parts.path
        self.query = parts.query
    }

    /// What to connect to in place of the feed's own address, its WebSocket or what it polls.
    public func main(_ address: String) -> String {
        guard let parts = Self.split(address) else { return address }
        let query = self.query.isEmpty ? parts.query : self.query
        return "\(self.scheme)://\(self.authority)\(self.path.isEmpty ? parts.path : self.path)\(query)"
    }

    /// What to ask in place of any other HTTP address of the feed.
    public func request(_ address: String) -> String {
        guard let parts = Self.split(address) else { return address }
        let scheme = self.scheme == "wss" || self.scheme == "https" ? "https" : "http"
        return "\(scheme)://\(self.authority)\(parts.path)\(parts.query)"
    }

    /// Scheme, host with port, path, and query with its question mark.
    private static func split(
        _ address: String
    ) -> (scheme: String, authority: String, path: String, query: String)? {
        guard let mark = address.firstRange(of: "://") else { return nil }
        let rest = address[mark.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let question = rest[end...].firstIndex(of: "?") ?? rest.endIndex
        return (
            scheme: String(address[..<mark.lowerBound]), authority: String(rest[..<end]),
            path: String(rest[end..<question]), query: String(rest[question...])
        )
    }
}
