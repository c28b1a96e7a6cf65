/// Where APNs is, for one environment.
///
/// Source: Apple, "Sending notification requests to APNs" and "Sending channel management requests to APNs".
public struct APNsServers: Hashable, Sendable {
    /// The base URL for notifications and broadcasts.
    public var push: String
    /// The base URL for the management of broadcast channels.
    public var channels: String

    /// Takes base URLs without a final slash, such as those of a test server.
    public init(push: String, channels: String) {
        self.push = push
        self.channels = channels
    }

    /// Apple's own servers of an environment.
    public init(_ environment: APNsEnvironment) {
        switch environment {
        case .production:
            self.init(
                push: "https://api.push.apple.com", channels: "https://api-manage-broadcast.push.apple.com:2196")
        case .sandbox:
            self.init(
                push: "https://api.sandbox.push.apple.com",
                channels: "https://api-manage-broadcast.sandbox.push.apple.com:2195")
        }
    }
}
