/// What became of a frame: each ends in exactly one of these.
public enum FrameOutcome: Equatable, Sendable {
    /// So many ticks were appended, at least one.
    case ticks(Int)
    /// An acknowledgement, heartbeat or greeting.
    case control
    /// A rule says that it carries nothing wanted, or its items held no values.
    case ignored
    /// No rule takes it: the feed file does not know this message.
    case unmatched
    /// The venue asks for a new connection.
    case reconnect
    /// The venue reports an error, in its own words.
    case providerError(String)
    /// It is not JSON, or a value that a rule needs is missing or unreadable; says what and where.
    ///
    /// Ticks from the frame's other items have been appended all the same.
    case malformed(String)
}
