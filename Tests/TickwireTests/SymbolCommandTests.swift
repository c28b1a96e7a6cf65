import Dispatch
import FeedLanguage
import Foundation
import HTTPClient
import Ingest
import Market
import Store
import Synchronization
import Testing
import TickwireTesting

@testable import Tickwire

@Suite("What the commands for symbols work with")
struct SymbolCommandTests {
    /// A folder of small feed files.
    private final class Folder: Sendable {
        let path: String

        init() throws {
            let path = FileManager.default.temporaryDirectory.path + "/tickwire-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let files = [
                "coins": #"{separator: "/"}, asset: crypto, defaults: [BTC-USD, ETH-USD]"#,
                "shares": #"{separator: "/"}, asset: stock, defaults: [AAPL, BRK.B]"#,
                "names": #"{table: {BTC-USD: bitcoin, DOGE-USD: dogecoin}}, asset: crypto, defaults: [BTC-USD]"#,
                "keyed": #"{separator: "-"}, asset: crypto, defaults: [SOL-USD]"#,
            ]
            self.path = path
            for (name, text) in files { try self.add(name, text) }
        }

        func add(_ name: String, _ text: String, pages: String = "") throws {
            let address = name == "keyed" ? "wss://acme.test/${TICKWIRE_TEST_NO_SUCH_KEY}" : "wss://acme.test"
            let yaml = """
                {feed: \(name), connect: {websocket: "\(address)"}, symbols: \(text),
                 discover: {get: "https://\(name).test/\(name)", symbol: id\(pages)},
                 messages: [{when: {type: pong}, control: true}]}
                """
            try yaml.write(toFile: "\(self.path)/\(name).yaml", atomically: true, encoding: .utf8)
        }

        deinit {
            // Left behind, it is one folder more in the system's temporary folder.
            try? FileManager.default.removeItem(atPath: self.path)
        }
    }

    private let folder: Folder

    init() throws { self.folder = try Folder() }

    private func settings(_ enabled: [String], symbols: [String]? = nil) -> Settings {
        var settings = Settings()
        settings.feedsDirectory = self.folder.path
        settings.feeds = enabled
        settings.symbols = symbols
        return settings
    }

    private func choice(_ text: String) throws -> SymbolChoice {
        let parts = text.dropFirst().split(separator: "@").map(String.init)
        return SymbolChoice(
            symbol: try Symbol(parts[0]), feed: parts.count > 1 ? try Venue(parts[1]) : nil,
            isWanted: text.first == "+")
    }

    private func rows(
        _ settings: Settings, _ choices: [String], reports: [FeedReport]? = nil, last: [LastTick] = []
    ) throws -> [String] {
        let enabled = try EnabledFeeds(settings, running: reports)
        return SymbolOverview(
            enabled: enabled, choices: try choices.map(choice), reports: reports, lastTicks: last
        ).rows.map { row in
            [row.symbol.name, row.venue, row.origin, row.state, row.reason, row.last?.lastPrice?.description]
                .compactMap { $0 }.joined(separator: " ")
        }
    }

    @Test("Without a service the overview is what settings, files and choices say")
    func stored() throws {
        let settings = self.settings(["coins", "shares"])
        let tick = LastTick(
            symbol: try Symbol("BTC-USD"), venue: try Venue("coins"), lastPrice: Decimal64("7.5"),
            eventTime: Timestamp(nanoseconds: 0), receivedTime: Timestamp(nanoseconds: 0), sequence: 1)
        let choices = ["-AAPL", "+SOL-USD", "+BTC-EUR@names", "-XRP-USD", "+A-B-C@coins", "-ETH-USD@coins"]
        #expect(
            try self.rows(settings, choices, last: [tick]) == [
                "A-B-C coins added", "AAPL shares removed", "BRK.B shares default",
                "BTC-EUR names added the feed is not enabled", "BTC-USD coins default 7.5", "ETH-USD coins removed",
                "SOL-USD coins added", "XRP-USD * removed",
            ])
        let listed = self.settings(["names"], symbols: ["BTC-USD"])
        #expect(
            try self.rows(listed, ["+SOL-USD", "-BTC-USD@names"]) == [
                "BTC-USD names removed", "SOL-USD * added no enabled feed has a name for it",
            ])
    }

    @Test("A service that answers is believed, whatever the settings here say; of several connections the worst counts")
    func running() throws {
        let settings = self.settings(["coins"])
        let json = """
            [{"feed":"shares","title":"","kind":"websocket","state":"live","connections":[],"frames":{},"framesTotal":0,
              "ticks":0,"connects":1,"reconnects":0,"connectFailures":0,"budgets":[],"reloads":0,"samples":[],"symbols":[
              {"symbol":"MSFT","state":"subscribed","origin":"--symbols"},
              {"symbol":"TSLA","state":"subscribed","origin":"added"},
              {"symbol":"TSLA","state":"refused","reason":"no such share","origin":"added"}]}]
            """
        let reports = try JSONDecoder().decode([FeedReport].self, from: Data(json.utf8))
        #expect(
            try self.rows(settings, ["+TSLA", "-AAPL"], reports: reports) == [
                "AAPL shares removed", "MSFT shares --symbols subscribed", "TSLA shares added refused no such share",
            ])
    }

    @Test("A feed or symbol that is none is refused with what may have been meant")
    func refusals() throws {
        let enabled = try EnabledFeeds(self.settings(["coins", "keyed"]))
        #expect(enabled.feeds.map(\.name.name) == ["coins"])
        #expect(enabled.problems.count == 1 && enabled.problems[0].contains("TICKWIRE_TEST_NO_SUCH_KEY"))
        func text(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        #expect(text { _ = try enabled.feed(named: "coin") }.contains("did you mean 'coins'?"))
        #expect(text { _ = try enabled.feed(named: "shares") }.contains("'shares' is not enabled: enabled are coins."))
        #expect(text { _ = try enabled.symbols(["btc/usd"]) }.hasSuffix("Did you mean BTC-USD?"))
        #expect(text { _ = try enabled.symbols(["ETH_USD"]) }.contains("'ETH_USD'"))
        let refusal = enabled.refusal(of: try Symbol("AAPL"), at: nil)
        #expect(refusal.contains("AAPL") && refusal.contains("shares has it: enable one"))
        #expect(throws: SetupError.self) { try EnabledFeeds(self.settings(["coinz"])) }
    }

    @Test(
        "A search minds neither case nor separators, and shows whole names first",
        arguments: [
            ("btc", ["BTC-USD coins BTC/USD", "BTC-USD names bitcoin"]),
            ("Btc_Usd", ["BTC-USD coins BTC/USD", "BTC-USD names bitcoin"]),
            ("dogecoin", ["DOGE-USD names dogecoin"]), ("brk", ["BRK.B shares BRK.B"]),
            ("b", ["BRK.B shares BRK.B", "BTC-USD coins BTC/USD", "BTC-USD names bitcoin"]),
            ("coin", ["BTC-USD names bitcoin", "DOGE-USD names dogecoin"]), ("xyz", []),
        ] as [(String, [String])]
    )
    func search(text: String, expected: [String]) throws {
        let enabled = try EnabledFeeds(self.settings(["coins", "shares", "names"]))
        var search = SymbolSearch(text)
        for feed in enabled.feeds { search.look(at: feed) }
        #expect(search.matches.map { "\($0.symbol?.name ?? "-") \($0.feed) \($0.native)" } == expected)
    }

    @Test("Where nothing is found near names are known")
    func nearest() throws {
        let enabled = try EnabledFeeds(self.settings(["coins", "shares"]))
        var search = SymbolSearch("BTC-UDS")
        for feed in enabled.feeds { search.look(at: feed) }
        #expect(search.matches.isEmpty)
        #expect(search.nearest.first == "BTC-USD")
    }

    @Test(
        "Providers are asked side by side, a few at a time, and one that fails does not take the others along",
        .timeLimit(.minutes(5)))
    func lists() async throws {
        let names = ["coins", "shares", "names", "one", "two", "three"]
        for name in names.dropFirst(3) { try self.folder.add(name, #"{separator: "/"}, asset: crypto"#) }
        let enabled = try EnabledFeeds(self.settings(names))
        let open = OpenCount()
        let server = LoopbackServer { request in
            // The first four wait for each other, so that all of them are open at once.
            open.enter(waitingFor: ProviderLists.concurrencyMax)
            defer { open.leave() }
            if request.line.contains("/shares") { return .send(LoopbackServer.answer("404 Not Found")) }
            return .send(LoopbackServer.answer(body: #"[{"id":"SOL/USD"},{"id":"bitcoin"}]"#))
        }
        let urls = Dictionary(uniqueKeysWithValues: enabled.feeds.map { ($0.name.name, server.url) })
        let client = HTTPClient(version: "test")
        let lists = await ProviderLists.fetch(enabled.feeds, urls: urls, client: client)
        #expect(lists.map(\.feed.name.name) == names)
        #expect(open.most == ProviderLists.concurrencyMax)
        #expect(try lists[0].list.get().map(\.native) == ["SOL/USD", "bitcoin"])
        #expect(try lists[2].list.get().map(\.symbol?.name) == [nil, "BTC-USD"])
        #expect(try lists[5].list.get().count == 2)
        #expect(throws: FeedRequestError.self) { try lists[1].list.get() }
        await client.shutdown()
        server.stop()
    }

    /// Counts the requests that a server answers at once.
    private final class OpenCount: Sendable {
        private let counts = Mutex((now: 0, most: 0))
        private let gate = DispatchSemaphore(value: 0)

        var most: Int { self.counts.withLock { $0.most } }

        /// Returns when so many have been open at once; on a server's thread, which may wait.
        func enter(waitingFor limit: Int) {
            let (opens, isLate) = self.counts.withLock { counts in
                let isLate = counts.most >= limit
                counts.now += 1
                counts.most = max(counts.most, counts.now)
                return (counts.now == limit && !isLate, isLate)
            }
            if opens { for _ in 1..<limit { self.gate.signal() } } else if !isLate { self.gate.wait() }
        }

        func leave() { self.counts.withLock { $0.now -= 1 } }
    }

    @Test(
        "A provider whose limits make its pages wait is given the time, and who asks is told",
        arguments: [
            ("", 60, nil), (", page: {lastId: after, max: 20}, budget: {perMinute: 30}", 60, nil),
            (", page: {lastId: after, max: 20}, budget: {perMinute: 5}", 300, "5 minutes"),
            (", page: {lastId: after, max: 100}, budget: {perMinute: 1}", 600, "10 minutes"),
        ] as [(String, Int, String?)]
    )
    func patience(pages: String, seconds: Int, words: String?) throws {
        try self.folder.add("slow", #"{separator: "/"}, asset: crypto"#, pages: pages)
        let feed = try EnabledFeeds(self.settings(["slow"])).feeds[0]
        #expect(ProviderLists.patience(with: feed) == .seconds(seconds))
        let notes = ProviderLists.notes(on: [feed])
        #expect(notes.count == (words == nil ? 0 : 1))
        if let words { #expect(notes.first?.contains(words) == true) }
    }

    @Test("What the simulated market is asked for comes from it where nobody named any of it")
    func simulated() throws {
        let all = [try Symbol("BTC-USD"), try Symbol("SOL-USD")]
        func base(_ symbols: [String]?) throws -> SymbolSelection.Base {
            FeedService.simulated(try FeedSelection.load("coins", self.settings(["coins"], symbols: symbols)), all: all)
                .base
        }
        #expect(try base(["SOL-USD", "TSLA"]) == .list([Symbol("SOL-USD")]))
        #expect(try base(["TSLA"]) == .simulated(all))
        #expect(try base(nil) == .defaults)
    }

    @Test("A removal that holds out a symbol of the settings is found, once for all feeds that it concerns")
    func heldOut() throws {
        let settings = self.settings(["coins", "names"], symbols: ["BTC-USD", "ETH-USD"])
        let feeds = try ["coins", "names"].map { try FeedSelection.load($0, settings) }
        let found = SymbolService.heldOut(of: feeds, by: try ["-BTC-USD", "-ETH-USD@names", "-SOL-USD"].map(choice))
        #expect(found.map(\.choice.symbol.name) == ["BTC-USD", "ETH-USD"])
        #expect(found.map { $0.feeds.map(\.name) } == [["coins", "names"], ["names"]])
        let unnamed = self.settings(["coins"])
        let byDefault = [try FeedSelection.load("coins", unnamed)]
        #expect(SymbolService.heldOut(of: byDefault, by: try [choice("-BTC-USD")]).isEmpty)
    }
}
