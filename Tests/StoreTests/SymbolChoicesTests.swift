import Market
import Postgres
import Store
import Testing

@Suite("Stored choices of symbols", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct SymbolChoicesTests {
    private func symbols(_ names: String...) throws -> [Symbol] { try names.map { try Symbol($0) } }

    private func choice(_ symbol: String, _ feed: String? = nil, isWanted: Bool = true) throws -> SymbolChoice {
        SymbolChoice(symbol: try Symbol(symbol), feed: try feed.map { try Venue($0) }, isWanted: isWanted)
    }

    @Test("Choices are read in the order they were made, each pair of symbol and feed once")
    func order() async throws {
        try await TestStore.with { store in
            let choices = SymbolChoices(client: store.client)
            #expect(try await choices.load().isEmpty)
            try await choices.store(try symbols("ETH-USD"), feed: nil, isWanted: true)
            try await choices.store(try symbols("BTC-USD", "AAPL", "BTC-USD"), feed: nil, isWanted: false)
            try await choices.store([], feed: nil, isWanted: true)
            #expect(
                try await choices.load() == [
                    choice("ETH-USD"), choice("AAPL", isWanted: false), choice("BTC-USD", isWanted: false),
                ])
            try await choices.store(try symbols("ETH-USD"), feed: nil, isWanted: false)
            #expect(try await choices.load().last == choice("ETH-USD", isWanted: false))
            #expect(try await choices.load().count == 3)
        }
    }

    @Test(
        "A word for every feed takes the place of those for single feeds; a later one for a single feed comes after it")
    func everyFeed() async throws {
        try await TestStore.with { store in
            let choices = SymbolChoices(client: store.client)
            let bitcoin = try symbols("BTC-USD")
            try await choices.store(bitcoin, feed: try Venue("kraken"), isWanted: true)
            try await choices.store(bitcoin, feed: try Venue("coinbase"), isWanted: false)
            try await choices.store(try symbols("ETH-USD"), feed: try Venue("kraken"), isWanted: false)
            try await choices.store(bitcoin, feed: nil, isWanted: false)
            #expect(
                try await choices.load() == [
                    choice("BTC-USD", isWanted: false), choice("ETH-USD", "kraken", isWanted: false),
                ])
            try await choices.store(bitcoin, feed: try Venue("kraken"), isWanted: true)
            // A clock that was put back does not make the later word the earlier one.
            try await store.client.query(
                "UPDATE symbol_choices SET changed_at = changed_at - interval '1 day' WHERE symbol = 'BTC-USD' AND feed = 'kraken'"
            )
            let loaded = try await choices.load().filter { $0.symbol.name == "BTC-USD" }
            #expect(try loaded == [choice("BTC-USD", isWanted: false), choice("BTC-USD", "kraken")])
        }
    }

    @Test(
        "An addition for every feed leaves those for single feeds, which it does not contradict, and takes their removals back"
    )
    func additions() async throws {
        try await TestStore.with { store in
            let choices = SymbolChoices(client: store.client)
            let apple = try symbols("AAPL")
            try await choices.store(apple, feed: try Venue("kraken"), isWanted: true)
            try await choices.store(apple, feed: try Venue("yahoo"), isWanted: false)
            try await choices.store(apple, feed: nil, isWanted: true)
            #expect(try await choices.load() == [choice("AAPL"), choice("AAPL", "kraken")])
            try await choices.store(apple, feed: nil, isWanted: false)
            #expect(try await choices.load() == [choice("AAPL", isWanted: false)])
        }
    }

    @Test("Every change is notified")
    func notifications() async throws {
        try await TestStore.with { store in
            let choices = SymbolChoices(client: store.client)
            let connection = try await store.client.connect()
            let stream = try await connection.listen([SymbolChoices.changesChannel])
            var iterator = stream.makeAsyncIterator()
            for isWanted in [true, false] {
                try await choices.store(try symbols("BTC-USD", "ETH-USD"), feed: nil, isWanted: isWanted)
                #expect(await iterator.next()?.channel == "tickwire_symbols")
            }
            connection.close()
        }
    }
}
