import Foundation
import Market
import Notifications
import Testing

@testable import Tickwire

@Suite("Push credentials")
struct PushSettingsTests {
    private func load(_ environment: [String: String]) async throws -> Settings {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var environment = environment
        environment["TICKWIRE_DATA_DIR"] = folder
        return try await SettingsLoader.load(flags: SettingsFlags(), environment: environment)
    }

    @Test("Every documented variable is read")
    func environment() async throws {
        let settings = try await self.load([
            "TICKWIRE_PUSH_APNS_KEY_FILE": "/k.p8", "TICKWIRE_PUSH_APNS_KEY_ID": "ABC1234567",
            "TICKWIRE_PUSH_APNS_TEAM_ID": "TEAM123456", "TICKWIRE_PUSH_APNS_TOPIC": "com.example.prices",
            "TICKWIRE_PUSH_APNS_ENVIRONMENT": "sandbox", "TICKWIRE_PUSH_FCM_SERVICE_ACCOUNT_FILE": "/f.json",
            "TICKWIRE_PUSH_VAPID_KEY_FILE": "/v.pem", "TICKWIRE_PUSH_VAPID_SUBJECT": "mailto:ops@example.com",
            "TICKWIRE_PUSH_BEAMS_INSTANCE_ID": "8f9a", "TICKWIRE_PUSH_BEAMS_SECRET_KEY": "hidden-hidden-hidden",
            "TICKWIRE_PUSH_WEB_PUSH_HOSTS": "push.example.org, googleapis.com",
        ])
        let push = settings.push
        #expect(push.apnsKeyFile == "/k.p8" && push.apnsKeyID == "ABC1234567" && push.apnsTeamID == "TEAM123456")
        #expect(settings.apnsTopic == "com.example.prices" && push.apnsEnvironment == .sandbox)
        #expect(push.fcmServiceAccountFile == "/f.json" && push.vapidKeyFile == "/v.pem")
        #expect(push.vapidSubject == "mailto:ops@example.com" && push.beamsInstanceID == "8f9a")
        #expect(push.beamsSecretKey?.exposed == "hidden-hidden-hidden")
        #expect(push.webPushHosts == ["push.example.org", "googleapis.com"])
    }

    @Test("Live prices are off, of all symbols, or of those that are listed")
    func live() async throws {
        let off = try await self.load([:]).push.live
        #expect(off.symbols == nil && off.cadenceSeconds == 15 && off.alertUsers == nil)
        let all = try await self.load([
            "TICKWIRE_PUSH_LIVE_SYMBOLS": "*", "TICKWIRE_PUSH_LIVE_CADENCE": "1",
            "TICKWIRE_PUSH_LIVE_ALERT_USERS": "desk, ann",
        ]).push.live
        #expect(all.symbols == .all && all.cadenceSeconds == 1 && all.alertUsers == ["desk", "ann"])
        let some = try await self.load(["TICKWIRE_PUSH_LIVE_SYMBOLS": "BTC-USD, AAPL"]).push.live
        #expect(try some.symbols?.contains(Symbol("AAPL")) == true)
        #expect(try some.symbols?.contains(Symbol("MSFT")) == false)
    }

    @Test("A secret key shows in nothing that prints")
    func secrecy() async throws {
        let settings = try await self.load([
            "TICKWIRE_PUSH_BEAMS_INSTANCE_ID": "8f9a", "TICKWIRE_PUSH_BEAMS_SECRET_KEY": "hidden-hidden-hidden",
        ])
        var dumped = ""
        dump(settings.push, to: &dumped)
        for text in [
            "\(settings)", "\(settings.push)", String(reflecting: settings.push), dumped, "\(PushCheck.all(settings))",
        ] {
            #expect(!text.contains("hidden"))
        }
    }

    @Test(
        "Half a credential is refused with what is missing",
        arguments: [
            (["TICKWIRE_PUSH_APNS_KEY_FILE": "/k.p8"], "push.apns.keyID"),
            (["TICKWIRE_PUSH_APNS_KEY_ID": "ABC1234567", "TICKWIRE_PUSH_APNS_KEY_FILE": "/k"], "push.apns.teamID"),
            (["TICKWIRE_PUSH_BEAMS_INSTANCE_ID": "8f9a"], "push.beams.secretKey"),
            (["TICKWIRE_PUSH_APNS_ENVIRONMENT": "testing"], "push.apns.environment"),
            (["TICKWIRE_PUSH_APNS_TOPIC": "not a bundle"], "push.apns.topic"),
            (["TICKWIRE_PUSH_LIVE_SYMBOLS": "BTC-USD,*"], "push.live.symbols"),
            (["TICKWIRE_PUSH_LIVE_CADENCE": "0"], "push.live.cadence"),
        ])
    func half(environment: [String: String], setting: String) async {
        let error = await #expect(throws: SetupError.self) { try await self.load(environment) }
        #expect(error?.description.contains(setting) == true)
    }

    private func check(_ name: String, _ settings: Settings) throws -> PushCheck {
        try #require(PushCheck.all(settings).first { $0.name == name })
    }

    @Test("Nothing set is nothing wrong")
    func absent() async throws {
        let checks = PushCheck.all(try await self.load([:]))
        #expect(checks.map(\.name) == ["apns", "fcm", "vapid", "beams"])
        #expect(checks.allSatisfy { $0.state == .absent })
    }

    @Test("A file that is not there, is no key, or that others may read is told")
    func files() async throws {
        var settings = try await self.load(["TICKWIRE_PUSH_VAPID_SUBJECT": "mailto:ops@example.com"])
        settings.push.vapidKeyFile = settings.dataDirectory + "/mine.pem"
        #expect(try self.check("vapid", settings).state == .bad)
        let file = PushCredentials.vapidFile(settings)
        try Data("nonsense".utf8).write(to: URL(fileURLWithPath: file))
        let bad = try self.check("vapid", settings)
        #expect(bad.state == .bad && bad.detail.contains("P-256") && !bad.detail.contains("nonsense"))
        let key = VAPIDKey()
        #expect(try VAPIDKeyFile.write(key, to: file, replacing: true))
        #expect(try self.check("vapid", settings).state == .good)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let open = try self.check("vapid", settings)
        #expect(open.state == .doubtful && open.detail.contains("chmod 600"))
        settings.push.vapidSubject = "mailto:ops@localhost"
        #expect(try self.check("vapid", settings).state == .bad)
    }

    @Test("A key file is private, is not replaced unless told so, and then keeps the earlier one beside it")
    func keyFile() async throws {
        let settings = try await self.load([:])
        let file = settings.dataDirectory + "/deep/vapid.pem"
        let first = VAPIDKey()
        #expect(try VAPIDKeyFile.write(first, to: file, replacing: false))
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
        let second = VAPIDKey()
        #expect(try !VAPIDKeyFile.write(second, to: file, replacing: false))
        #expect(try VAPIDKey(String(contentsOfFile: file, encoding: .utf8)).publicKey == first.publicKey)
        #expect(try VAPIDKeyFile.write(second, to: file, replacing: true))
        #expect(try VAPIDKey(String(contentsOfFile: file, encoding: .utf8)).publicKey == second.publicKey)
        let previous = try String(contentsOfFile: file + ".previous", encoding: .utf8)
        #expect(try VAPIDKey(previous).publicKey == first.publicKey)
        let names = try FileManager.default.contentsOfDirectory(atPath: settings.dataDirectory + "/deep").sorted()
        #expect(names == ["vapid.pem", "vapid.pem.previous"])
    }

    @Test(
        "A wrong clock is told with its skew",
        arguments: [
            (0, PushCheck.State.good, "as the service's"), (-9, .good, "9 s behind"), (10, .doubtful, "10 s ahead"),
            (-300, .bad, "300 s behind"), (86_400, .bad, "86400 s ahead"),
        ])
    func clock(seconds: Int64, state: PushCheck.State, words: String) {
        // 2026-11-23T12:00:00Z
        let now = Timestamp(microseconds: (1_795_435_200 + seconds) * 1_000_000)
        let check = PushCheck.clock("Mon, 23 Nov 2026 12:00:00 GMT", now: now)
        #expect(check.state == state && check.detail.contains(words))
    }

    @Test("An answer without a date says nothing about the clock", arguments: [nil, "yesterday"])
    func noClock(date: String?) {
        #expect(PushCheck.clock(date, now: Timestamp(microseconds: 0)).state == .doubtful)
    }
}
