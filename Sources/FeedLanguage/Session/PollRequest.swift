public import Market

/// One request that a ``PollSession`` wants sent.
public struct PollRequest: Hashable, Sendable {
    /// The session's number of it.
    public let id: Int
    /// The symbols that it asks for.
    public let symbols: [Symbol]
    /// Which page.
    public let page: PageMark
    /// What makes it conditional: `If-None-Match`, `If-Modified-Since`.
    public let conditions: [Header]
}
