import Channels
import Logging
import Market
import Store
import Synchronization
import Testing

@testable import Tickwire

@Suite("Which channels a token opens")
struct ChannelAccessTests {
    private func refusal(
        _ channel: String, scopes: [String] = ["channels:*"], hasEncryption: Bool = true
    ) throws -> String? {
        let holder = TokenHolder(
            tokenID: 1, userID: "ann", userName: "Ann", scopes: try scopes.map { try TokenScope($0) })
        return ChannelAccess.refusal(try ChannelName(channel), holder: holder, hasEncryption: hasEncryption)
    }

    @Test(
        "With all channels in scope every kind that needs a signature is open",
        arguments: [
            "private-x", "private-cache-x", "private-encrypted-x", "private-encrypted-cache-x", "presence-x",
            "presence-cache-x", "private-alerts-ann", "private-encrypted-alerts-ann", "presence-alerts-ann",
        ])
    func open(channel: String) throws { #expect(try self.refusal(channel) == nil) }

    @Test(
        "Another user's alerts are closed, whatever the kind and the scope",
        arguments: [
            "private-alerts-bob", "private-alerts-ann2", "private-alerts-an", "private-alerts-",
            "private-cache-alerts-bob",
            "private-encrypted-alerts-bob", "private-encrypted-cache-alerts-bob", "presence-alerts-bob",
            "presence-cache-alerts-bob",
        ])
    func others(channel: String) throws {
        #expect(try self.refusal(channel)?.contains("another user's") == true)
        #expect(try self.refusal(channel, scopes: ["channels:\(channel)"]) != nil)
    }

    @Test(
        "Public channels and server-to-user channels need no signature",
        arguments: ["x", "cache-x", "#server-to-user-ann"])
    func unsigned(channel: String) throws { #expect(try self.refusal(channel) != nil) }

    @Test("Scopes narrow what is open")
    func scopes() throws {
        #expect(try self.refusal("private-x", scopes: ["channels:presence-*"])?.contains("channels:presence-*") == true)
        #expect(try self.refusal("private-x", scopes: ["channels:presence-*", "channels:private-x"]) == nil)
        #expect(try self.refusal("private-alerts-ann", scopes: ["channels:presence-*"]) != nil)
    }

    @Test("Encrypted channels need the app's master key")
    func encryption() throws {
        #expect(try self.refusal("private-encrypted-x", hasEncryption: false)?.contains("encryptionMasterKey") == true)
    }
}

@Suite("The cache of tokens")
struct TokenCacheTests {
    private struct Down: Error {}

    private final class Table: Sendable {
        let asked = Mutex(0)
        let answer: Mutex<Result<TokenHolder?, Down>>

        init(_ holder: TokenHolder?) { self.answer = Mutex(.success(holder)) }

        var cache: TokenCache {
            TokenCache(
                lookUp: { _ in
                    self.asked.withLock { $0 += 1 }
                    return try self.answer.withLock { $0 }.get()
                }, noteUsed: { _ in }, logger: Logger(label: "test"))
        }
    }

    /// How many questions are on their way, and were at most.
    private final class Counts: Sendable {
        let value = Mutex((now: 0, most: 0))
    }

    private let start = ContinuousClock.now
    private let noon = Timestamp(nanoseconds: 1_795_435_200_000_000_000)
    private let ann = TokenHolder(tokenID: 1, userID: "ann", userName: "Ann", scopes: [.allChannels])

    @Test("An answer is believed for five seconds")
    func lifetime() async {
        let table = Table(self.ann)
        let cache = table.cache
        let secret = TokenSecret()
        for second in [0, 1, 4] {
            #expect(
                await cache.answer(for: secret, now: self.start + .seconds(second), time: self.noon)
                    == .holder(self.ann))
        }
        #expect(table.asked.withLock { $0 } == 1)
        table.answer.withLock { $0 = .success(nil) }
        #expect(await cache.answer(for: secret, now: self.start + .seconds(5), time: self.noon) == .unknown)
        #expect(table.asked.withLock { $0 } == 2)
    }

    @Test("While the database does not answer, what was known holds for a minute")
    func outage() async {
        let table = Table(self.ann)
        let cache = table.cache
        let secret = TokenSecret()
        _ = await cache.answer(for: secret, now: self.start, time: self.noon)
        table.answer.withLock { $0 = .failure(Down()) }
        #expect(await cache.answer(for: secret, now: self.start + .seconds(59), time: self.noon) == .holder(self.ann))
        #expect(await cache.answer(for: secret, now: self.start + .seconds(60), time: self.noon) == .unavailable)
        #expect(await cache.answer(for: TokenSecret(), now: self.start, time: self.noon) == .unavailable)
    }

    @Test("A token that expires while it is known ends at once")
    func expiry() async {
        let holder = TokenHolder(
            tokenID: 1, userID: "ann", userName: "Ann", scopes: [.allChannels],
            expiresAt: self.noon.advanced(byNanoseconds: 1_000_000_000))
        let cache = Table(holder).cache
        let secret = TokenSecret()
        #expect(await cache.answer(for: secret, now: self.start, time: self.noon) == .holder(holder))
        let later = self.noon.advanced(byNanoseconds: 1_000_000_000)
        #expect(await cache.answer(for: secret, now: self.start + .seconds(1), time: later) == .unknown)
    }

    @Test("A flood of unknown tokens is not passed on to the database")
    func flood() async {
        let table = Table(nil)
        let cache = table.cache
        var last = TokenCache.Answer.unknown
        for _ in 0..<1001 { last = await cache.answer(for: TokenSecret(), now: self.start, time: self.noon) }
        #expect(last == .overloaded)
        #expect(table.asked.withLock { $0 } == 1000)
        #expect(await cache.answer(for: TokenSecret(), now: self.start + .seconds(1), time: self.noon) == .unknown)
    }

    @Test("A flood of unknown tokens does not keep out who was known a moment ago, nor do tokens that are good count")
    func knownInFlood() async {
        let table = Table(self.ann)
        let cache = table.cache
        let secret = TokenSecret()
        for _ in 0..<1500 {
            #expect(
                await cache.answer(for: TokenSecret(), now: self.start, time: self.noon) == .holder(self.ann))
        }
        _ = await cache.answer(for: secret, now: self.start, time: self.noon)
        table.answer.withLock { $0 = .success(nil) }
        let later = self.start + .seconds(6)
        for _ in 0..<1000 { _ = await cache.answer(for: TokenSecret(), now: later, time: self.noon) }
        #expect(await cache.answer(for: TokenSecret(), now: later, time: self.noon) == .overloaded)
        table.answer.withLock { $0 = .success(self.ann) }
        #expect(await cache.answer(for: secret, now: later, time: self.noon) == .holder(self.ann))
    }

    @Test("Questions at once are limited, and who waits gets an answer", .timeLimit(.minutes(5)))
    func concurrency() async {
        let counts = Counts()
        let ann = self.ann
        let cache = TokenCache(
            lookUp: { _ in
                counts.value.withLock { counts in
                    counts.now += 1
                    counts.most = max(counts.most, counts.now)
                }
                for _ in 0..<20 { await Task.yield() }
                counts.value.withLock { $0.now -= 1 }
                return ann
            }, noteUsed: { _ in }, logger: Logger(label: "test"))
        let (start, noon) = (self.start, self.noon)
        let answers = await withTaskGroup(of: TokenCache.Answer.self) { group -> Int in
            for _ in 0..<500 {
                group.addTask { await cache.answer(for: TokenSecret(), now: start, time: noon) }
            }
            return await group.reduce(into: 0) { $0 += $1 == .holder(ann) ? 1 : 0 }
        }
        #expect(answers == 500)
        #expect(counts.value.withLock { $0.most } <= TokenCache.lookUpsMax)
    }
}

@Suite("The auth endpoints")
struct AuthRoutesTests {
    private static let app = App(id: "3", key: "278d425bdf160c739803", secret: "7ad3773142a6692b25b8")

    private func routes() -> AuthRoutes {
        let ann = TokenHolder(tokenID: 1, userID: "ann", userName: #"Ann "A" Lee"#, scopes: [.allChannels])
        let cache = TokenCache(lookUp: { _ in ann }, noteUsed: { _ in }, logger: Logger(label: "test"))
        let second = App(id: "4", key: "second", secret: "other")
        return AuthRoutes(
            apps: [
                AppSettings(app: Self.app, webhooks: [], encryptionMasterKey: Array(0...31)),
                AppSettings(app: second, webhooks: [], encryptionMasterKey: nil),
            ], tokens: cache, origins: ["*"])
    }

    private func answer(_ channel: String?, key: String? = nil, token: String? = nil) async throws -> String {
        try await self.routes().answer(
            .init(socketID: "1234.1234", channel: channel, appKey: key),
            authorization: "Bearer \(token ?? TokenSecret().exposed)", isUser: channel == nil)
    }

    @Test("A private channel's answer has the documented signature")
    func privateChannel() async throws {
        let digest = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
        #expect(try await self.answer("private-foobar") == #"{"auth":"278d425bdf160c739803:\#(digest)"}"#)
    }

    @Test("A presence channel's answer carries what it has signed")
    func presence() async throws {
        let answer = try await self.answer("presence-foobar")
        let data = #"{"user_id":"ann","user_info":{"name":"Ann \"A\" Lee"}}"#
        let auth = ChannelAuth(app: Self.app).sign(
            socketID: "1234.1234", channel: "presence-foobar", channelData: data)
        #expect(answer == #"{"auth":"\#(auth)","channel_data":\#(JSONText.quoted(data))}"#)
    }

    @Test("An encrypted channel's answer carries the shared secret")
    func encrypted() async throws {
        let answer = try await self.answer("private-encrypted-demo")
        #expect(answer.hasSuffix(#","shared_secret":"EYp9Iw61We0SSO8i4YNMUxqo4TeGPjdBtcgzC9ocVl0="}"#))
    }

    @Test("A sign-in's answer carries the user, and its signature is the documented form")
    func user() async throws {
        let answer = try await self.answer(nil)
        let data = #"{"id":"ann","user_info":{"name":"Ann \"A\" Lee"}}"#
        let auth = ChannelAuth(app: Self.app).signUser(socketID: "1234.1234", userData: data)
        #expect(answer == #"{"auth":"\#(auth)","user_data":\#(JSONText.quoted(data))}"#)
        #expect(
            ChannelAuth(app: Self.app).signUser(socketID: "1234.1234", userData: #"{"id":"12345"}"#)
                == "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba")
    }

    @Test("Another app is named by its key")
    func apps() async throws {
        #expect(try await self.answer("private-x", key: "second").hasPrefix(#"{"auth":"second:"#))
        await #expect(throws: AuthRoutes.Refusal.self) { try await self.answer("private-x", key: "third") }
        await #expect(throws: AuthRoutes.Refusal.self) { try await self.answer("private-encrypted-x", key: "second") }
    }

    @Test("What is no token is refused without asking anybody", arguments: ["abc", "tw_abc", ""])
    func badTokens(token: String) async {
        await #expect(throws: AuthRoutes.Refusal.self) { try await self.answer("private-x", token: token) }
    }

    @Test("A token may not ask without end")
    func rate() async throws {
        let routes = self.routes()
        let authorization = "Bearer \(TokenSecret().exposed)"
        var answered = 0
        while answered < 2000,
            (try? await routes.answer(
                .init(socketID: "1.2", channel: "private-x"), authorization: authorization, isUser: false)) != nil
        {
            answered += 1
        }
        #expect((500..<1500).contains(answered))
    }

    @Test(
        "Questions come form-encoded or as JSON",
        arguments: [
            ("socket_id=1.2&channel_name=private-a%40b", "application/x-www-form-urlencoded", "", "private-a@b", nil),
            (
                #"{"socket_id":"1.2","channel_name":"private-a"}"#, "application/json; charset=utf-8", "", "private-a",
                nil
            ),
            ("socket_id=1.2", "application/x-www-form-urlencoded", "app_key=k", nil, "k"),
            ("socket_id=1.2&app_key=j", "", "app_key=k", nil, "j"),
        ] as [(String, String, String, String?, String?)])
    func questions(body: String, type: String, query: String, channel: String?, key: String?) throws {
        #expect(
            try AuthRoutes.question(Array(body.utf8), contentType: type, query: query)
                == .init(socketID: "1.2", channel: channel, appKey: key))
    }

    @Test("What is missing is named", arguments: ["", "channel_name=private-a"])
    func missing(body: String) {
        let refusal = #expect(throws: AuthRoutes.Refusal.self) {
            try AuthRoutes.question(Array(body.utf8), contentType: "", query: "")
        }
        #expect(refusal?.reason.contains("socket_id") == true)
    }
}
