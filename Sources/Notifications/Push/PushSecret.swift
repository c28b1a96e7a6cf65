/// Text that must not be shown: a token, a key, a URL that holds one.
public struct PushSecret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself: for the request that needs it, and nothing else.
    public let exposed: String

    /// Hides `text`.
    public init(_ text: String) { self.exposed = text }

    /// Says only that there is one.
    public var description: String { "…" }
    /// Says only that there is one.
    public var debugDescription: String { "…" }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
