/// Which push service a device speaks through.
public enum BeamsPlatform: String, Hashable, Sendable, CaseIterable {
    /// A browser's push service.
    case web
    /// Apple's.
    case apns
    /// Google's.
    case fcm
}

/// A device's place in the Beams API.
public struct BeamsDevice: Hashable, Sendable {
    /// Its push service.
    public let platform: BeamsPlatform
    /// The id that it was given when it registered.
    public let id: String

    /// Makes a place from its parts.
    public init(platform: BeamsPlatform, id: String) {
        self.platform = platform
        self.id = id
    }
}

/// What a request to the Beams API asks for, by its method and path.
public enum BeamsRoute: Hashable, Sendable {
    /// The key that browsers subscribe with.
    case webKey
    /// A device registers.
    case register(BeamsPlatform)
    /// What is known of a device.
    case device(BeamsDevice)
    /// A device goes for good.
    case removeDevice(BeamsDevice)
    /// The interests of a device, in pages.
    case interests(BeamsDevice, limit: Int, cursor: String?)
    /// The device's interests become those of the body.
    case setInterests(BeamsDevice)
    /// One interest more.
    case subscribe(BeamsDevice, InterestName)
    /// One interest less.
    case unsubscribe(BeamsDevice, InterestName)
    /// The device belongs to the token's user from now on.
    case setUser(BeamsDevice)
    /// The SDK or the system changed.
    case setMetadata(BeamsDevice)
    /// The service gave the device another token.
    case setToken(BeamsDevice)
    /// A device tells what became of notifications.
    case report
    /// A server publishes to interests.
    case publishToInterests
    /// A server publishes to users.
    case publishToUsers
    /// A server removes a user with all devices.
    case removeUser(BeamsUserID)

    /// The most interests of one page.
    public static let pageMax = 100

    /// Finds what a request asks for; `nil` when the path is none of the Beams API.
    ///
    /// - Parameters:
    ///   - method: In capitals.
    ///   - path: Without the query, percent-encoded as it came.
    ///   - query: The query's parameters, decoded.
    ///   - instance: The instance that is served.
    /// - Throws: ``BeamsError``: 404 for another instance or an unknown path below a known one, 405 for a method that does not fit.
    public init?(
        method: String, path: String, query: [String: String] = [:], instance: String
    ) throws(BeamsError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard parts.count >= 4, parts[2] == "instances" else { return nil }
        let api = "\(parts[0])/\(parts[1])"
        guard Self.apis.contains(api) else { return nil }
        guard Self.decode(parts[3]) == instance else {
            throw .notFound("There is no instance '\(parts[3].prefix(64))' here.")
        }
        let rest = Array(parts[4...])
        switch api {
        case "device_api/v1": self = try Self.deviceRoute(method, rest, query)
        case "publish_api/v1": self = try Self.publishRoute(method, rest)
        case "customer_api/v1", "user_api/v1":
            guard rest.count == 2, rest[0] == "users" else { throw Self.unknown(path) }
            try Self.check(method, ["DELETE"])
            self = .removeUser(try BeamsUserID(Self.decode(rest[1])))
        default:
            guard rest == ["events"] else { throw Self.unknown(path) }
            try Self.check(method, ["POST"])
            self = .report
        }
    }

    /// Whether browsers' pages call it, so that cross-origin requests must be answered.
    public static func isDeviceAPI(path: String) -> Bool {
        path.hasPrefix("/device_api/") || path.hasPrefix("/reporting_api/")
    }

    /// The first two parts of all paths.
    private static let apis: Set<String> = [
        "device_api/v1", "publish_api/v1", "customer_api/v1", "user_api/v1", "reporting_api/v1", "reporting_api/v2",
    ]

    private static func publishRoute(_ method: String, _ rest: [String]) throws(BeamsError) -> BeamsRoute {
        switch rest {
        // The Go and Swift SDKs use the short one.
        case ["publishes"], ["publishes", "interests"]:
            try Self.check(method, ["POST"])
            return .publishToInterests
        case ["publishes", "users"]:
            try Self.check(method, ["POST"])
            return .publishToUsers
        default: throw Self.unknown(rest.joined(separator: "/"))
        }
    }

    private static func deviceRoute(
        _ method: String, _ rest: [String], _ query: [String: String]
    ) throws(BeamsError) -> BeamsRoute {
        if rest == ["web-vapid-public-key"] {
            try Self.check(method, ["GET"])
            return .webKey
        }
        guard rest.count >= 2, rest[0] == "devices", let platform = BeamsPlatform(rawValue: rest[1]) else {
            throw Self.unknown(rest.joined(separator: "/"))
        }
        if rest.count == 2 {
            try Self.check(method, ["POST"])
            return .register(platform)
        }
        let device = BeamsDevice(platform: platform, id: Self.decode(rest[2]))
        switch rest.dropFirst(3).first {
        case nil:
            try Self.check(method, ["GET", "DELETE"])
            return method == "GET" ? .device(device) : .removeDevice(device)
        case "interests" where rest.count == 4:
            try Self.check(method, ["GET", "PUT"])
            return method == "PUT" ? .setInterests(device) : try Self.page(device, query)
        case "interests" where rest.count == 5:
            try Self.check(method, ["POST", "DELETE"])
            let interest = try InterestName(Self.decode(rest[4]))
            return method == "POST" ? .subscribe(device, interest) : .unsubscribe(device, interest)
        case "user" where rest.count == 4:
            try Self.check(method, ["PUT"])
            return .setUser(device)
        case "metadata" where rest.count == 4:
            try Self.check(method, ["PUT"])
            return .setMetadata(device)
        case "token" where rest.count == 4:
            try Self.check(method, ["PUT"])
            return .setToken(device)
        default: throw Self.unknown(rest.joined(separator: "/"))
        }
    }

    private static func page(_ device: BeamsDevice, _ query: [String: String]) throws(BeamsError) -> BeamsRoute {
        guard let text = query["limit"] else {
            return .interests(device, limit: Self.pageMax, cursor: query["cursor"])
        }
        guard let limit = Int(text), limit > 0 else {
            throw .badRequest("limit is '\(text.prefix(20))': write a number from 1 to \(Self.pageMax).")
        }
        return .interests(device, limit: min(limit, Self.pageMax), cursor: query["cursor"])
    }

    private static func check(_ method: String, _ allowed: [String]) throws(BeamsError) {
        if allowed.contains(method) { return }
        throw BeamsError(
            status: 405, error: "Method Not Allowed",
            description: "\(method) does not fit here. Use \(allowed.joined(separator: " or ")).")
    }

    private static func unknown(_ path: String) -> BeamsError {
        .notFound("There is nothing at '\(path.prefix(200))'.")
    }

    /// Undoes percent-encoding; what is badly encoded stays as it is.
    static func decode(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let byte = UInt8(String(decoding: source[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(validating: bytes, as: UTF8.self) ?? text
    }
}
