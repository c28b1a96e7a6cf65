/// What a device tells about a notification.
public struct DeviceReport: Hashable, Sendable {
    /// What happened.
    public enum Event: String, Hashable, Sendable, CaseIterable {
        /// It arrived.
        case delivery
        /// Its user opened it.
        case open
    }

    /// What happened.
    public let event: Event
    /// The publication.
    public let publishID: String
    /// The device.
    public let deviceID: String
    /// The device's user, if it has one.
    public let userID: String?
    /// Unix seconds on the device's clock.
    public let seconds: Int64

    /// The longest body, in bytes.
    public static let bodyBytesMax = 8_192

    /// Reads a report.
    ///
    /// - Throws: ``BeamsError`` with status 400 or 422.
    public init(parsing body: [UInt8]) throws(BeamsError) {
        let value = try JSONValue(parsing: body)
        let name = value["event"]?.string ?? ""
        // Mobile SDKs write it with a capital.
        guard let event = Event(rawValue: name.lowercased()) else {
            throw .unprocessable("event is '\(name.prefix(40))': write delivery or open.")
        }
        guard let publishID = value["publishId"]?.string, (1...100).contains(publishID.utf8.count) else {
            throw .unprocessable("publishId is missing.")
        }
        guard let deviceID = value["deviceId"]?.string, (1...100).contains(deviceID.utf8.count) else {
            throw .unprocessable("deviceId is missing.")
        }
        self.event = event
        self.publishID = publishID
        self.deviceID = deviceID
        self.userID = value["userId"]?.string.map { String($0.prefix(BeamsUserID.bytesMax)) }
        self.seconds = value["timestampSecs"]?.integer ?? 0
    }
}
