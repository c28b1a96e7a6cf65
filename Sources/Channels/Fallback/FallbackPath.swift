/// What a request of the HTTP fallback is for: `BASE/app/KEY/N/SESSION/xhr…` (protocol section 11).
public struct FallbackPath: Equatable, Sendable {
    /// The last part of the path.
    public enum Purpose: String, Sendable, CaseIterable {
        /// Receives through one long response.
        case streaming = "xhr_streaming"
        /// Receives through one response after the other.
        case polling = "xhr"
        /// Sends frames.
        case send = "xhr_send"
    }

    /// The app's public key, decoded.
    public let key: String
    /// What the client chose as the session's name: a number and eight characters, as in `417/0aq3vkp1`.
    public let session: String
    /// What the request does.
    public let purpose: Purpose

    /// Reads a path; `nil` when it has another form.
    ///
    /// The session is what pusher-js makes: a number from 0 to 999 and eight of `0-9` and `a-v`.
    ///
    /// - Parameters:
    ///   - path: The path as received, without the query.
    ///   - base: What stands before `/app/`, for example `/pusher`.
    public init?(_ path: Substring, base: String) {
        guard path.hasPrefix(base) else { return nil }
        let parts = path.dropFirst(base.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].isEmpty, parts[1] == "app", !parts[2].isEmpty,
            (1...3).contains(parts[3].utf8.count), parts[3].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            parts[4].utf8.count == 8, parts[4].utf8.allSatisfy(Self.isSessionCharacter),
            let purpose = Purpose(rawValue: String(parts[5]))
        else { return nil }
        self.key = Query.decoded(parts[2])
        self.session = "\(parts[3])/\(parts[4])"
        self.purpose = purpose
    }

    private static func isSessionCharacter(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "v")
    }
}
