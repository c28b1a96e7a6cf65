/// The interests of a device as a request lists them.
public struct InterestSet: Hashable, Sendable {
    /// The most interests of one device.
    public static let countMax = 5_000
    /// The longest body, in bytes.
    public static let bodyBytesMax = 1_048_576

    /// The names, each once, in the order given.
    public let names: [InterestName]

    /// Reads the body of `PUT …/interests`.
    ///
    /// - Throws: ``BeamsError``: 400 for what is no list, 422 for a bad name or too many.
    public init(parsing body: [UInt8]) throws(BeamsError) {
        guard case .array(let values)? = try JSONValue(parsing: body)["interests"] else {
            throw .badRequest("interests is missing: send {\"interests\":[…]}.")
        }
        var names: [InterestName] = []
        var known: Set<InterestName> = []
        for value in values {
            guard let text = value.string else { throw .unprocessable("An interest is \(value.kind), not a string.") }
            let name = try InterestName(text)
            if known.insert(name).inserted { names.append(name) }
        }
        guard names.count <= Self.countMax else {
            throw .unprocessable("\(names.count) interests, \(Self.countMax) are allowed for a device.")
        }
        self.names = names
    }

    /// Refuses private interests that a request may not subscribe to.
    ///
    /// - Parameters:
    ///   - names: The interests, new to the device.
    ///   - instance: The instance.
    ///   - authorization: The header: the secret key, or a Beams token that names the interests.
    ///   - user: The user whose device it is, if any: a token must be that user's.
    ///   - now: Unix seconds.
    /// - Throws: ``BeamsError`` with status 401 or 403.
    public static func check(
        _ names: [InterestName], instance: ServedInstance, authorization: String?, user: String?, now: Int64
    ) throws(BeamsError) {
        guard let first = names.first(where: \.isPrivate) else { return }
        guard authorization != nil else {
            throw .forbidden(
                "Interest '\(first)' is private: subscribe with a Beams token that lists it under 'interests', or have your server do it."
            )
        }
        if instance.isServer(authorization: authorization) { return }
        let token = try BeamsToken(
            checking: try ServedInstance.bearer(authorization), instance: instance, now: now)
        if let user, token.userID.text != user {
            throw .forbidden("The token is user '\(token.userID)'s, the device belongs to '\(user)'.")
        }
        for name in names where name.isPrivate && !token.allows(name) {
            throw .forbidden("The token does not allow the private interest '\(name)'.")
        }
    }
}
