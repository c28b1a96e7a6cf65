import Foundation
public import Market
import Notifications

/// Whether one credential of a push service can be used, as `tickwire push check` and the doctor tell it.
public struct PushCheck: Hashable, Sendable {
    /// What came of it.
    public enum State: String, Hashable, Sendable {
        /// It can be used.
        case good
        /// It can be used, but something about it should be changed.
        case doubtful
        /// It cannot be used.
        case bad
        /// None is set.
        case absent
    }

    /// `apns`, `fcm`, `vapid`, `beams` or `clock`.
    public let name: String
    /// What came of it.
    public let state: State
    /// One line for an operator; never a secret.
    public let detail: String

    /// Makes a result.
    public init(_ name: String, _ state: State, _ detail: String) {
        self.name = name
        self.state = state
        self.detail = detail
    }

    /// Checks everything that the settings name; reads files, asks nobody.
    public static func all(_ settings: Settings) -> [PushCheck] {
        let push = settings.push
        return [
            self.check("apns", push.apnsKeyFile, absent: "set push.apns.keyFile, keyID and teamID") {
                try PushCredentials.apns(push).map {
                    "key \($0.keyID) of team \($0.teamID), topic \(settings.apnsTopic), \(push.apnsEnvironment.rawValue)"
                }
            },
            self.check("fcm", push.fcmServiceAccountFile, absent: "set push.fcm.serviceAccountFile") {
                try PushCredentials.fcm(push).map { "\($0.clientEmail), project \($0.projectID)" }
            },
            self.check(
                "vapid", PushCredentials.vapidFile(settings), absent: "make one with: tickwire push vapid"
            ) {
                guard let key = try PushCredentials.vapid(settings) else { return nil }
                guard let subject = push.vapidSubject else {
                    throw SetupError.badSetting(
                        name: "push.vapid.subject", value: "", expected: "mailto: and an address, or an https URL")
                }
                return "public key \(key.publicKey), subject \(try VAPIDSubject(subject).text)"
            },
            self.check("beams", nil, absent: "set push.beams.instanceID and secretKey") {
                try PushCredentials.beams(push).map { "instance \($0.id)" }
            },
        ]
    }

    /// Compares this machine's clock with a service's: tokens of a wrong clock are refused.
    ///
    /// - Parameters:
    ///   - date: The header `Date` of any answer of the service's.
    ///   - now: The time when it arrived.
    /// - Returns: Bad from five minutes on, doubtful from ten seconds on.
    public static func clock(_ date: String?, now: Timestamp) -> PushCheck {
        guard let date, let skew = ClockSkew.seconds(date: date, now: now) else {
            return PushCheck("clock", .doubtful, "the answer has no header Date to compare with")
        }
        let words =
            skew == 0 ? "as the service's" : "\(skew.magnitude) s \(skew > 0 ? "ahead of" : "behind") the service's"
        switch skew.magnitude {
        case 0..<10: return PushCheck("clock", .good, "this machine's clock is \(words)")
        case 10..<300: return PushCheck("clock", .doubtful, "this machine's clock is \(words): set up NTP")
        default:
            return PushCheck(
                "clock", .bad, "this machine's clock is \(words), so tokens will be refused: set up NTP")
        }
    }

    private static func check(
        _ name: String, _ file: String?, absent: String, _ read: () throws -> String?
    ) -> PushCheck {
        do {
            guard let detail = try read() else { return PushCheck(name, .absent, absent) }
            if let file, let others = self.othersMayRead(file) {
                return PushCheck(name, .doubtful, "\(detail); others may read \(file) (mode \(others)): chmod 600 it")
            }
            return PushCheck(name, .good, detail)
        } catch {
            return PushCheck(name, .bad, "\(error)")
        }
    }

    /// The file's mode if group or others may read it.
    private static func othersMayRead(_ path: String) -> String? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? NSNumber, mode.intValue & 0o044 != 0 else { return nil }
        return String(mode.intValue & 0o777, radix: 8)
    }
}
