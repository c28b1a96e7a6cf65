import Beams
import Foundation
import HTTPTypes
import Market
import Store
import Testing

@testable import Tickwire

@Suite("The Beams instance that is served")
struct BeamsSettingsTests {
    private static let instance = [
        "TICKWIRE_BEAMS_INSTANCE": "8f9a6e22", "TICKWIRE_BEAMS_SECRET_KEY": "hidden-hidden-hidden",
    ]

    private func load(_ environment: [String: String]) async throws -> Settings {
        var environment = environment
        environment["TICKWIRE_DATA_DIR"] =
            FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        return try await SettingsLoader.load(flags: SettingsFlags(), environment: environment)
    }

    @Test("Webhooks are signed with a secret of their own, or with the instance's")
    func webhooks() async throws {
        var environment = Self.instance
        environment["TICKWIRE_BEAMS_WEBHOOKS"] = "https://a.example/1, https://b.example/2"
        var settings = try await self.load(environment)
        #expect(settings.beamsWebhooks == ["https://a.example/1", "https://b.example/2"])
        #expect(settings.beamsWebhookSecret == "hidden-hidden-hidden")
        environment["TICKWIRE_BEAMS_WEBHOOK_SECRET"] = "another"
        settings = try await self.load(environment)
        #expect(settings.beamsWebhookSecret == "another")
    }

    @Test(
        "What is wrong with webhooks is said at the start",
        arguments: ["https://ann:pw@a.example/", "a.example", "ftp://a.example/"])
    func badWebhooks(url: String) async {
        var environment = Self.instance
        environment["TICKWIRE_BEAMS_WEBHOOKS"] = url
        await #expect(throws: SetupError.self) { try await self.load(environment) }
        await #expect(throws: SetupError.self) {
            try await self.load(["TICKWIRE_BEAMS_WEBHOOKS": "https://a.example/"])
        }
    }

    @Test("An API token's holder gets a Beams token for itself, for a day")
    func token() throws {
        let ann = TokenHolder(tokenID: 1, userID: "ann", userName: "Ann", scopes: [])
        let instance = ServedInstance(id: "8f9a6e22", secretKey: "hidden-hidden-hidden")
        let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)
        let answer = try AccountRoutes.beamsToken(for: "ann", ann, instance, now: now)
        let json = try JSONValue(parsing: Array(answer.utf8))
        let text = try #require(json["token"]?.string)
        let token = try BeamsToken(checking: text, instance: instance, now: 1_795_435_200 + 86_399)
        #expect(token.userID.text == "ann" && token.interests.isEmpty)
        #expect(throws: BeamsError.self) {
            try BeamsToken(checking: text, instance: instance, now: 1_795_435_200 + 86_400 + 61)
        }
    }

    @Test("Nobody signs in as somebody else", arguments: ["bob", "", nil, "ann "])
    func others(user: String?) {
        let ann = TokenHolder(tokenID: 1, userID: "ann", userName: "Ann", scopes: [])
        let instance = ServedInstance(id: "8f9a6e22", secretKey: "hidden-hidden-hidden")
        let error = #expect(throws: AlertAPIError.self) {
            try AccountRoutes.beamsToken(for: user, ann, instance, now: Timestamp(nanoseconds: 0))
        }
        #expect(error?.status == .forbidden)
    }
}
