import FoundationEssentials
public import Notifications

/// What a device says of itself when it registers.
public struct DeviceRegistration: Hashable, Sendable {
    /// Where its push service takes messages.
    public enum Address: Hashable, Sendable {
        /// A browser's subscription.
        case web(WebPushSubscription)
        /// An Apple device: its token in hexadecimal, and the app's bundle id.
        case apns(token: String, bundleID: String)
        /// An Android device: its registration token.
        case fcm(token: String)
    }

    /// Where its push service takes messages.
    public let address: Address
    /// What the SDK tells about itself: versions, names of devices.
    public let metadata: [String: String]
    /// Ids of devices that this one was before; what they subscribed to is handed on.
    public let previousIDs: [String]

    /// The longest body of a registration, in bytes.
    public static let bodyBytesMax = 16_384
    private static let tokenBytesMax = 4_096
    private static let metadataMax = 20

    /// Reads the body of a registration.
    ///
    /// - Parameters:
    ///   - body: JSON.
    ///   - platform: Which service the device speaks through.
    ///   - rules: Where browsers' push services may be: the endpoint is a URL that anybody can make up.
    /// - Throws: ``BeamsError``: 400 for JSON that does not fit, with `InvalidToken` when the token is the problem.
    public init(
        parsing body: [UInt8], platform: BeamsPlatform, rules: WebPushEndpointRules
    ) throws(BeamsError) {
        let value = try JSONValue(parsing: body)
        guard value.members != nil else { throw .badRequest("The body is \(value.kind), not an object.") }
        self.address = try Self.address(value, platform, rules)
        self.metadata = try Self.metadata(value["metadata"])
        if case .array(let ids)? = value["knownPreviousClientIds"] {
            self.previousIDs = ids.compactMap(\.string).suffix(10).map { $0 }
        } else {
            self.previousIDs = []
        }
    }

    /// Reads the body of a change of metadata.
    ///
    /// - Throws: ``BeamsError`` with status 400.
    public static func metadata(parsing body: [UInt8]) throws(BeamsError) -> [String: String] {
        let value = try JSONValue(parsing: body)
        guard value.members != nil else { throw .badRequest("The body is \(value.kind), not an object.") }
        return try Self.metadata(value)
    }

    /// Reads the body of a change of token.
    ///
    /// - Throws: ``BeamsError`` with status 400.
    public static func newToken(parsing body: [UInt8]) throws(BeamsError) -> Address {
        .fcm(token: try Self.token(try JSONValue(parsing: body)))
    }

    private static func metadata(_ value: JSONValue?) throws(BeamsError) -> [String: String] {
        guard let value else { return [:] }
        guard let members = value.members else { throw .badRequest("metadata is \(value.kind), not an object.") }
        guard members.count <= Self.metadataMax else {
            throw .badRequest("metadata has \(members.count) members, \(Self.metadataMax) are allowed.")
        }
        var metadata: [String: String] = [:]
        for (name, value) in members {
            guard let text = value.string else { continue }
            metadata[String(name.prefix(64))] = String(text.prefix(256))
        }
        return metadata
    }

    private static func token(_ value: JSONValue) throws(BeamsError) -> String {
        guard let token = value["token"]?.string, !token.isEmpty else {
            throw .invalidToken("token is missing: send the text that the push service gave to the device.")
        }
        guard token.utf8.count <= Self.tokenBytesMax, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .invalidToken("token is no push token: at most \(Self.tokenBytesMax) printable characters.")
        }
        return token
    }

    private static func address(
        _ value: JSONValue, _ platform: BeamsPlatform, _ rules: WebPushEndpointRules
    ) throws(BeamsError) -> Address {
        let token = try Self.token(value)
        switch platform {
        case .fcm: return .fcm(token: token)
        case .apns:
            guard token.utf8.count % 2 == 0, token.utf8.allSatisfy(Self.isHexDigit) else {
                throw .invalidToken("token is no APNs token: an even number of hexadecimal digits.")
            }
            guard let bundle = value["bundleIdentifier"]?.string, Self.isBundleID(bundle) else {
                throw .badRequest("bundleIdentifier is missing or no bundle id, such as com.example.prices.")
            }
            return .apns(token: token.lowercased(), bundleID: bundle)
        case .web: return try Self.subscription(token, rules)
        }
    }

    /// The web SDK sends the browser's subscription as the base64 of its JSON.
    private static func subscription(
        _ token: String, _ rules: WebPushEndpointRules
    ) throws(BeamsError) -> Address {
        guard let data = Data(base64Encoded: token) else {
            throw .invalidToken("token is no base64 of the JSON of a PushSubscription.")
        }
        do {
            return .web(try WebPushSubscription(json: Array(data), rules: rules))
        } catch {
            throw .invalidToken(error.description)
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
    }

    private static func isBundleID(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "-")
            }
    }
}
