/// What an application's server publishes through the Beams API.
public struct Publication: Hashable, Sendable {
    /// Whom it is for.
    public enum Audience: Hashable, Sendable {
        /// Devices that subscribed to any of these.
        case interests([InterestName])
        /// All devices of these users.
        case users([BeamsUserID])
    }

    /// Whom it is for.
    public let audience: Audience
    /// The payload for Apple devices.
    public let apns: APNsPayload?
    /// The payload for Android devices, in FCM's old form as the API wants it.
    public let fcm: FCMPayload?
    /// The payload for browsers.
    public let web: WebPayload?
    /// Where the outcome is reported to.
    public let webhookURL: String?

    /// The most interests of one publication.
    public static let interestsMax = 100
    /// The most users of one publication.
    public static let usersMax = 1_000
    /// The longest body of a publication to interests, in bytes.
    public static let interestsBodyBytesMax = 10 * 1_024
    /// The longest body of a publication to users, in bytes.
    public static let usersBodyBytesMax = 200 * 1_024

    /// Reads the body of a publication to interests.
    ///
    /// - Throws: ``BeamsError``: 400 for no JSON, 422 for what does not fit.
    public init(toInterests body: [UInt8]) throws(BeamsError) {
        guard body.count <= Self.interestsBodyBytesMax else {
            throw .tooLarge(limit: Self.interestsBodyBytesMax)
        }
        let value = try JSONValue(parsing: body)
        if value["users"] != nil {
            throw .unprocessable("interests and users cannot be mixed: publish to users at …/publishes/users.")
        }
        var names: [InterestName] = []
        for text in try Self.strings(value, "interests", max: Self.interestsMax) {
            let name = try InterestName(text)
            if !names.contains(name) { names.append(name) }
        }
        try self.init(value, audience: .interests(names))
    }

    /// Reads the body of a publication to users.
    ///
    /// - Throws: ``BeamsError``: 400 for no JSON, 422 for what does not fit.
    public init(toUsers body: [UInt8]) throws(BeamsError) {
        guard body.count <= Self.usersBodyBytesMax else { throw .tooLarge(limit: Self.usersBodyBytesMax) }
        let value = try JSONValue(parsing: body)
        if value["interests"] != nil {
            throw .unprocessable("interests and users cannot be mixed: publish to interests at …/publishes/interests.")
        }
        var users: Set<BeamsUserID> = []
        for text in try Self.strings(value, "users", max: Self.usersMax) { users.insert(try BeamsUserID(text)) }
        try self.init(value, audience: .users(users.sorted { $0.text < $1.text }))
    }

    private init(_ value: JSONValue, audience: Audience) throws(BeamsError) {
        self.audience = audience
        self.apns = try value["apns"].map { value throws(BeamsError) in try APNsPayload(value) }
        self.fcm = try value["fcm"].map { value throws(BeamsError) in try FCMPayload(value) }
        self.web = try value["web"].map { value throws(BeamsError) in try WebPayload(value) }
        guard self.apns != nil || self.fcm != nil || self.web != nil else {
            throw .unprocessable("There is no payload: send at least one of apns, fcm and web.")
        }
        if let webhook = value["webhookUrl"] {
            guard let url = webhook.string, Self.isWebhookURL(url) else {
                throw .unprocessable("webhookUrl is no http or https URL of at most 2048 bytes without a user.")
            }
            self.webhookURL = url
        } else {
            self.webhookURL = nil
        }
    }

    /// Whether webhooks can be sent there: they are signed, so a user and password in the URL are for nothing.
    public static func isWebhookURL(_ url: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: { url.hasPrefix($0) }), url.utf8.count <= 2_048,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return false }
        let authority = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        return !authority.isEmpty && !authority.contains("@")
    }

    private static func strings(_ value: JSONValue, _ name: String, max: Int) throws(BeamsError) -> [String] {
        guard case .array(let values)? = value[name] else {
            throw .unprocessable("\(name) is missing: send a list of 1 to \(max) strings.")
        }
        guard (1...max).contains(values.count) else {
            throw .unprocessable("\(name) has \(values.count) items, allowed are 1 to \(max).")
        }
        var strings: [String] = []
        for value in values {
            guard let text = value.string else { throw .unprocessable("\(name) holds \(value.kind), not a string.") }
            strings.append(text)
        }
        return strings
    }
}

/// What of a publication must be the application's, for every payload.
enum PayloadReading {
    /// The member, if it is there, as an object.
    static func object(_ value: JSONValue, _ name: String, in path: String) throws(BeamsError) -> [String: JSONValue]? {
        guard let member = value[name] else { return nil }
        guard let members = member.members else {
            throw .unprocessable("\(path).\(name) is \(member.kind), not an object.")
        }
        return members
    }

    /// The member, if it is there, as a string.
    static func string(_ value: JSONValue, _ name: String, in path: String) throws(BeamsError) -> String? {
        guard let member = value[name] else { return nil }
        guard let text = member.string else { throw .unprocessable("\(path).\(name) is \(member.kind), not a string.") }
        return text
    }

    /// The member, if it is there, as a whole number of `range`.
    static func integer(
        _ value: JSONValue, _ name: String, in path: String, _ range: ClosedRange<Int64>
    ) throws(BeamsError) -> Int64? {
        guard let member = value[name] else { return nil }
        guard let number = member.integer, range.contains(number) else {
            throw .unprocessable(
                "\(path).\(name) is no whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }
}
