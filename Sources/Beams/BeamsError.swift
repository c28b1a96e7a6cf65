/// Why a request is refused, in the words of the Beams protocol: SDKs fail on an error body without both members.
public struct BeamsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The HTTP status.
    public let status: Int
    /// A short name of the kind of error.
    public let error: String
    /// One sentence that names the value and the fix.
    public let description: String

    /// Makes an error from its parts.
    public init(status: Int, error: String, description: String) {
        self.status = status
        self.error = error
        self.description = description
    }

    /// The body of the answer.
    public var json: [UInt8] {
        JSONValue.object(["error": .string(self.error), "description": .string(self.description)]).bytes
    }

    static func badRequest(_ description: String) -> BeamsError {
        BeamsError(status: 400, error: "Bad request", description: description)
    }

    static func invalidToken(_ description: String) -> BeamsError {
        // The Android SDK fetches a new token when it reads this word.
        BeamsError(status: 400, error: "InvalidToken", description: description)
    }

    static func unauthorized(_ description: String) -> BeamsError {
        BeamsError(status: 401, error: "Unauthorized", description: description)
    }

    static func forbidden(_ description: String) -> BeamsError {
        BeamsError(status: 403, error: "Forbidden", description: description)
    }

    static func notFound(_ description: String) -> BeamsError {
        BeamsError(status: 404, error: "Not Found", description: description)
    }

    static func unprocessable(_ description: String) -> BeamsError {
        BeamsError(status: 422, error: "Unprocessable Entity", description: description)
    }

    /// The body is too long: 400, as the hosted service answers.
    public static func tooLarge(limit: Int) -> BeamsError {
        .badRequest("The body has more than \(limit) bytes. Send less, or several requests.")
    }

    /// Too many requests came.
    public static func tooManyRequests(_ description: String) -> BeamsError {
        BeamsError(status: 429, error: "Too Many Requests", description: description)
    }

    /// The device is unknown here: mobile SDKs then register again with all they know.
    public static func unknownDevice(_ id: String) -> BeamsError {
        .notFound("There is no device '\(id.prefix(64))'. Register it again.")
    }

    /// The user has as many devices as are allowed.
    public static func tooManyDevices(user: String, limit: Int) -> BeamsError {
        .unprocessable("User '\(user)' has \(limit) devices of this kind, which is the most allowed. Remove one first.")
    }

    /// The device belongs to somebody else.
    public static func otherUser(device: String) -> BeamsError {
        .badRequest("Device '\(device.prefix(64))' belongs to another user. Stop the SDK and start it again first.")
    }

    /// Something on our side is away for the moment.
    public static let unavailable = BeamsError(
        status: 503, error: "Service Unavailable", description: "The database is not available. Try again shortly.")
}
