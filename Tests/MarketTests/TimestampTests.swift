import Testing

@testable import Market

@Suite("Timestamp")
struct TimestampTests {
    @Test(
        "ISO 8601 is read to the nanosecond",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2021-04-17T16:43:30.244075Z", 1_618_677_810_244_075_000),
            ("2019-01-30T18:03:40.195515+00:00", 1_548_871_420_195_515_000),
            ("2026-01-02T00:00:00+0000", 1_767_312_000_000_000_000),
            ("2026-01-02 02:00:00.5+02:00", 1_767_312_000_500_000_000),
            ("2021-02-22T15:51:45.335689322Z", 1_614_009_105_335_689_322),
            ("1969-12-31T23:59:59.999999999Z", -1), ("2024-02-29T12:00:00-05", 1_709_226_000_000_000_000),
        ]
    )
    func reads(text: String, nanoseconds: Int64) throws {
        #expect(try #require(Timestamp(iso8601: text)).nanoseconds == nanoseconds)
    }

    @Test(
        "What is not an instant is refused",
        arguments: [
            "", "2026-01-02", "2026-13-02T00:00:00Z", "2026-01-02T00:00:00", "2026-01-02T25:00:00Z",
            "2026-01-02T00:00:00.Z", "0001-01-01T00:00:00.000000Z", "2026-01-02T00:00:00+1", "2026-01-02T00:00:00Zx",
        ]
    )
    func refuses(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test("Printing and reading give the same instant", arguments: UInt64(0)..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let time = Timestamp(
            nanoseconds: Int64.random(in: -5_000_000_000_000_000_000...9_000_000_000_000_000_000, using: &random))
        #expect(Timestamp(iso8601: time.description) == time)
    }

    @Test("Microseconds round down before 1970")
    func microseconds() {
        #expect(Timestamp(nanoseconds: -1).microseconds == -1)
        #expect(Timestamp(nanoseconds: 1999).microseconds == 1)
    }
}

@Suite("Symbol and venue names")
struct NameTests {
    @Test(
        "Canonical names are accepted and printed back",
        arguments: ["BTC-USD", "AAPL", "BRK.B", "A", "ABCDEFGHIJKLMNOPQRSTUVWX"])
    func symbols(name: String) throws {
        #expect(try Symbol(name).name == name)
    }

    @Test(
        "Other names are refused",
        arguments: ["", "btc-usd", "BTC/USD", "BTC USD", "ABCDEFGHIJKLMNOPQRSTUVWXY", "BTC_USD", "ÄB"])
    func refused(name: String) {
        #expect(throws: MarketError.invalidSymbol(name)) { try Symbol(name) }
    }

    @Test("A symbol knows its legs and sorts as text")
    func legs() throws {
        #expect(try Symbol("BTC-USD").base == "BTC")
        #expect(try Symbol("BTC-USD").quoteCurrency == "USD")
        #expect(try Symbol("AAPL").quoteCurrency == nil)
        #expect(
            try ["B", "AB", "A", "BTC-USD", "BTC-EUR"].map { try Symbol($0) }.sorted().map(\.name) == [
                "A", "AB", "B", "BTC-EUR", "BTC-USD",
            ])
        #expect(try Venue("binance-us").name == "binance-us")
        #expect(throws: MarketError.invalidVenue("Kraken")) { try Venue("Kraken") }
    }
}
