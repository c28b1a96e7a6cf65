/// Why there is no broadcast channel.
public enum LiveChannelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The app has as many channels as it may have.
    case quotaReached
    /// The service refused, or did not answer.
    case failed(String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .quotaReached: "The app has as many broadcast channels as Apple allows, which is 10 000 in an environment."
        case .failed(let reason): "APNs manages no channel: \(reason)"
        }
    }
}
