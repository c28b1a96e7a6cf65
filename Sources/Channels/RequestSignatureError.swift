/// Why a request to the HTTP API is not authorised; each is answered with status 401.
public enum RequestSignatureError: Error, Equatable, CustomStringConvertible {
    /// No `auth_key`.
    case missingKey
    /// `auth_key` is not a key of this application.
    case unknownKey(String)
    /// `auth_version` is missing or not `1.0`.
    case unsupportedVersion(String?)
    /// `auth_timestamp` is missing or no number.
    case missingTimestamp
    /// `auth_timestamp` is more than 600 s away from the server's clock.
    ///
    /// Both in seconds since 1970.
    case timestampOutOfRange(Int64, now: Int64)
    /// `auth_signature` is missing or wrong.
    case signatureMismatch
    /// `body_md5` is missing or not the body's.
    case bodyMismatch

    /// One line for the caller.
    public var description: String {
        switch self {
        case .missingKey: "Missing parameter: auth_key"
        case .unknownKey(let key): "Unknown auth_key '\(ChannelsError.shortened(key))' for this application"
        case .unsupportedVersion(let version):
            "Unsupported auth_version '\(ChannelsError.shortened(version ?? ""))': 1.0 is required"
        case .missingTimestamp: "Missing parameter: auth_timestamp, in seconds since 1970"
        case .timestampOutOfRange(let timestamp, let now):
            """
            Timestamp expired: given timestamp (\(Self.text(timestamp))) not within \
            \(RequestSigning.clockDifferenceMax)s of server time (\(Self.text(now))). Check the clock.
            """
        case .signatureMismatch:
            "Invalid signature: auth_signature is not the HMAC SHA256 of method, path and sorted query with the app's secret"
        case .bodyMismatch: "Invalid body_md5: it is not the MD5 of the request body"
        }
    }

    /// Seconds since 1970 as ISO 8601.
    ///
    /// Days to civil date after H. Hinnant, "chrono-compatible low-level date algorithms".
    static func text(_ seconds: Int64) -> String {
        guard (-62_135_596_800...253_402_300_799).contains(seconds) else { return "\(seconds)" }
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let time = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func padded(_ value: Int64, _ width: Int = 2) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(padded(year, 4))-\(padded(month))-\(padded(dayOfYear - (153 * monthIndex + 2) / 5 + 1))T"
            + "\(padded(time / 3600)):\(padded(time / 60 % 60)):\(padded(time % 60))Z"
    }
}
