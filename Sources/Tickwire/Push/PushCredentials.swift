import Foundation
public import Notifications

/// The credentials of push services, read and checked.
public struct PushCredentials: Sendable {
    /// Apple's authentication key.
    public var apns: APNsKey?
    /// Google's service account.
    public var fcm: FCMServiceAccount?
    /// The key browsers subscribe with.
    public var vapid: VAPIDKey?
    /// Whom push services can reach.
    public var vapidSubject: VAPIDSubject?
    /// The hosted Beams instance.
    public var beams: BeamsInstance?

    /// Where `tickwire push vapid` keeps its key.
    public static func vapidFile(_ settings: Settings) -> String {
        settings.push.vapidKeyFile ?? settings.dataDirectory + "/vapid.pem"
    }

    /// Reads all that the settings name.
    ///
    /// - Throws: ``SetupError`` for a file that cannot be read, or a `PushError` for one that is not what it should be.
    public init(_ settings: Settings) throws {
        self.apns = try Self.apns(settings.push)
        self.fcm = try Self.fcm(settings.push)
        self.vapid = try Self.vapid(settings)
        self.vapidSubject = try settings.push.vapidSubject.map { try VAPIDSubject($0) }
        self.beams = try Self.beams(settings.push)
    }

    static func apns(_ settings: PushSettings) throws -> APNsKey? {
        guard let file = settings.apnsKeyFile, let keyID = settings.apnsKeyID, let teamID = settings.apnsTeamID else {
            return nil
        }
        let text = String(decoding: try self.read(file, "push.apns.keyFile"), as: UTF8.self)
        return try APNsKey(pem: text, keyID: keyID, teamID: teamID)
    }

    static func fcm(_ settings: PushSettings) throws -> FCMServiceAccount? {
        guard let file = settings.fcmServiceAccountFile else { return nil }
        return try FCMServiceAccount(
            json: try self.read(file, "push.fcm.serviceAccountFile"), tokenURL: settings.fcmTokenURL)
    }

    static func vapid(_ settings: Settings) throws -> VAPIDKey? {
        let file = self.vapidFile(settings)
        // A key that nobody named need not be there.
        if settings.push.vapidKeyFile == nil, !FileManager.default.fileExists(atPath: file) { return nil }
        return try VAPIDKey(String(decoding: try self.read(file, "push.vapid.keyFile"), as: UTF8.self))
    }

    static func beams(_ settings: PushSettings) throws -> BeamsInstance? {
        guard let id = settings.beamsInstanceID, let key = settings.beamsSecretKey else { return nil }
        return try BeamsInstance(id: id, secretKey: key, server: settings.beamsURL)
    }

    /// A key file's bytes; keys have a few kilobytes.
    private static func read(_ path: String, _ setting: String) throws -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw SetupError.notFound(what: "The file", path: path, fix: "Check the setting \(setting).")
        }
        guard let handle = FileHandle(forReadingAtPath: path), let data = try handle.read(upToCount: 65_536) else {
            throw SetupError.notPermitted(path: path, fix: "Let the user that runs tickwire read it (\(setting)).")
        }
        return Array(data)
    }
}
