import Backplane
import Foundation
import Testing

@testable import Tickwire

@Suite("Settings of NATS")
struct NATSSettingsTests {
    private func load(_ environment: [String: String]) async throws -> Settings {
        var flags = SettingsFlags()
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        flags.values["feedsDir"] = root.appendingPathComponent("Feeds").path
        flags.values["migrationsDir"] = root.appendingPathComponent("Migrations").path
        return try await SettingsLoader.load(flags: flags, environment: environment)
    }

    @Test("Without nats.url the node is alone")
    func none() async throws { #expect(try await self.load([:]).nats == nil) }

    @Test("Several servers, a file of credentials, and hosted Pusher beside them")
    func servers() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("tickwire-\(UUID().uuidString).creds")
            .path
        try "key".write(toFile: file, atomically: true, encoding: .utf8)
        let settings = try await self.load([
            "TICKWIRE_NATS_URL": "nats://a:1,tls://u:p@b", "TICKWIRE_NATS_CREDENTIALS": file,
            "TICKWIRE_PUBLISH_URL": "https://api-eu.pusher.com",
        ])
        #expect(settings.nats?.description == "nats://a:1, tls://b:4222")
        #expect(settings.nats?.credentialsFile == file)
    }

    @Test(
        "What cannot work is refused, without the password",
        arguments: [
            ["TICKWIRE_NATS_URL": "http://secret@h"], ["TICKWIRE_NATS_URL": "nats://u:secret@:4"],
            ["TICKWIRE_NATS_CREDENTIALS": "/nowhere"], ["TICKWIRE_NATS_AUTHORITY": "/etc/hostname"],
            ["TICKWIRE_NATS_URL": "nats://h", "TICKWIRE_PUBLISH_URL": "http://gateway:6001"],
        ])
    func refused(environment: [String: String]) async throws {
        await #expect {
            _ = try await self.load(environment)
        } throws: { error in
            (error as? SetupError)?.exitCode == 78 && !"\(error)".contains("secret")
        }
    }
}
