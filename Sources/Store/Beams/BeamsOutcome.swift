/// What became of a publication, once all its deliveries have come to an end.
public enum BeamsOutcome: Sendable, Hashable {
    /// How many devices of a service got it, and did not.
    public struct Count: Sendable, Hashable {
        /// What carries it.
        public let service: DeliveryService
        /// Devices that got it.
        public let sent: Int64
        /// Devices that did not.
        public let failed: Int64
    }

    /// It was for users: those of whom a device got it, who have none, and of whom none got it.
    case users(publishID: String, delivered: [String], withoutDevices: [String], failed: [String])
    /// It was for interests, and this is the body of the request.
    case interests(publishID: String, request: [UInt8], counts: [Count])
}
