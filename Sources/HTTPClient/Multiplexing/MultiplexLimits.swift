/// The limits of one HTTP/2 connection that many requests share.
public struct MultiplexLimits: Hashable, Sendable {
    /// Requests on their way at once: the peer's own limit still holds, this one is ours.
    public var streamsMax: Int
    /// How long nothing may be answered while requests are on their way; then the connection is given up.
    public var silenceMax: Duration
    /// After this time without a request the next one goes alone again: the peer may have closed meanwhile.
    public var idleMax: Duration
    /// After this time a connection takes nothing new, and is closed with its last answer.
    public var ageMax: Duration

    /// Makes limits.
    public init(
        streamsMax: Int = 500, silenceMax: Duration = .seconds(20), idleMax: Duration = .seconds(60),
        ageMax: Duration = .seconds(6 * 3_600)
    ) {
        self.streamsMax = max(1, streamsMax)
        self.silenceMax = silenceMax
        self.idleMax = idleMax
        self.ageMax = ageMax
    }
}
