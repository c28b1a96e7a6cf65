import Glibc
import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("Devices", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct DeviceStoreTests {
    private static func apns(_ token: String) -> PushTarget {
        .apns(APNsDevice(token: token, topic: "com.example.app", environment: .sandbox))
    }

    @Test("Every kind of target comes back as it was")
    func targets() async throws {
        let secret = try WebhookSecret(key: Array(0..<24))
        let targets: [PushTarget] = [
            Self.apns("aa11"), .liveActivity(APNsDevice(token: "aa11", topic: "a.b", environment: .production)),
            .apnsChannel(APNsChannel(id: "ch==", topic: "a.b", environment: .production)),
            .fcm(FCMRecipient("f")), .fcm(FCMRecipient("g", kind: .installation)),
            .webPush(
                WebPushSubscription(
                    endpoint: "https://push.example/x", publicKey: Array(0..<65), authSecret: Array(0..<16))),
            .beams(.interests(["a", "b"])), .beams(.users(["ann"])),
            .webhook(WebhookTarget(url: "https://a.example/", secrets: [secret])),
            .ntfy(NtfyTopic(server: "https://ntfy.sh", topic: "t", token: PushSecret("tk"))),
            .ntfy(NtfyTopic(server: "https://ntfy.sh", topic: "u")),
            .slack(SlackWebhook(url: PushSecret("https://hooks.slack.com/services/x"))),
            .discord(DiscordWebhook(url: PushSecret("https://discord.com/api/webhooks/1/x"))),
            .telegram(TelegramChat(botToken: PushSecret("1:a"), chatID: "5")),
            .telegram(TelegramChat(botToken: PushSecret("2:a"), chatID: "5")),
        ]
        try await TestStore.with { store in
            let devices = DeviceStore(client: store.client)
            for target in targets { _ = try await devices.register(target, user: "ann") }
            #expect(try await devices.list(user: "ann").map(\.target) == targets)
            #expect(try await devices.list(user: "bob").isEmpty)
        }
    }

    @Test("A token that comes again is the same device, and moves to whoever has it now")
    func moves() async throws {
        try await TestStore.with { store in
            let devices = DeviceStore(client: store.client)
            let first = try await devices.register(Self.apns("aa11"), user: "ann", locale: "de")
            let again = try await devices.register(Self.apns("AA11"), user: "ann")
            #expect(again.id == first.id && again.locale == "de" && again.lastRegisteredAt > first.lastRegisteredAt)
            let moved = try await devices.register(Self.apns("aa11"), user: "bob")
            #expect(moved.id == first.id && moved.user == "bob" && moved.createdAt == first.createdAt)
            await #expect(throws: StoreError.invalidUser("a b")) {
                try await devices.register(Self.apns("aa11"), user: "a b")
            }
        }
    }

    @Test("A device that is gone is off until it registers again; one that registered later stays")
    func gone() async throws {
        try await TestStore.with { store in
            let devices = DeviceStore(client: store.client)
            let device = try await devices.register(Self.apns("aa11"), user: "ann")
            let before = device.lastRegisteredAt.advanced(byNanoseconds: -1_000_000)
            #expect(try await !devices.disable(id: device.id, unlessRegisteredAfter: before, reason: "410"))
            #expect(try await devices.device(id: device.id).disabledReason == nil)
            let after = device.lastRegisteredAt.advanced(byNanoseconds: 1_000_000)
            #expect(try await devices.disable(id: device.id, unlessRegisteredAfter: after, reason: "410"))
            #expect(try await devices.device(id: device.id).disabledReason == "410")
            #expect(try await devices.register(Self.apns("aa11"), user: "ann").disabledReason == nil)
            #expect(try await devices.disable(id: device.id, unlessRegisteredAfter: nil, reason: "410"))
        }
    }

    @Test("Beyond a hundred devices on one service the one that registered longest ago goes")
    func limit() async throws {
        try await TestStore.with { store in
            let devices = DeviceStore(client: store.client)
            try await store.client.query(
                """
                INSERT INTO devices (user_id, service, token_hash, token, topic, environment, last_registered_at)
                SELECT 'ann', 'apns', sha256(n::text::bytea), 'aa', 'a.b', 'production', now() - n * interval '1 minute'
                FROM generate_series(1, 100) AS n
                """)
            _ = try await devices.register(Self.apns("ff"), user: "ann")
            _ = try await devices.register(.fcm(FCMRecipient("f")), user: "ann")
            let left = try await devices.list(user: "ann")
            #expect(left.count == 101)
            #expect(try await store.number("SELECT count(*) FROM devices WHERE token_hash = sha256('100'::bytea)") == 0)
        }
    }

    @Test("Removing one that is not there says so")
    func unknown() async throws {
        try await TestStore.with { store in
            let devices = DeviceStore(client: store.client)
            await #expect(throws: StoreError.unknownDevice(5)) { try await devices.remove(id: 5) }
            let left = try await devices.list()
            #expect(left.isEmpty)
        }
    }
}

@Suite("Shared credentials", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct CredentialStoreTests {
    @Test("Ten who need a token at once make one")
    func single() async throws {
        try await TestStore.with { store in
            let client = store.client
            let issued = Timestamp.fromClock
            let tokens = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<10 {
                    group.addTask {
                        try await CredentialStore(client: client).token("apns:T/K", isUsable: { _ in true }) {
                            .init("token-\(index)", issuedAt: issued)
                        }.exposed
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(tokens.count == 1)
            let next = try await CredentialStore(client: client).token(
                "apns:T/K", isUsable: { !tokens.contains($0.exposed) }
            ) {
                .init("new", issuedAt: issued)
            }
            #expect(next.exposed == "new")
        }
    }

    @Test("A lane that is held back says so, until it is not or its time is over")
    func held() async throws {
        try await TestStore.with { store in
            let credentials = CredentialStore(client: store.client)
            let later = Timestamp.fromClock.advanced(byNanoseconds: 60_000_000_000)
            try await credentials.suspend(lane: "fcm", until: later, reason: "bad key")
            #expect(try await credentials.suspension(lane: "fcm")?.reason == "bad key")
            try await credentials.resume(lane: "fcm")
            #expect(try await credentials.suspension(lane: "fcm") == nil)
        }
    }
}

extension Timestamp {
    /// The time of day.
    static var fromClock: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
