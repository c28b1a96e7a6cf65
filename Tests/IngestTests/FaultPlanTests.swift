import Testing

@testable import Ingest

@Suite("Fault plan")
struct FaultPlanTests {
    @Test(
        "Every fault is read, and written back as it was",
        arguments: [
            "none", "drop 1%", "drop 100%", "drop 0.0001%", "duplicate 0.5%", "reorder 12.25%", "garbage 0.2%",
            "gap 20 every 30s",
            "stall 3s every 1m", "stall 250ms every 2h", "disconnect every 45s", "skew 2s", "skew -90s",
            "burst 5x for 1s every 20s",
            "drop 1%, duplicate 0.5%, reorder 0.5%, garbage 0.2%, gap 20 every 30s, stall 3s every 1m, disconnect every 45s, skew 2s, burst 5x for 1s every 20s",
        ]
    )
    func roundTrip(text: String) throws {
        #expect(try FaultPlan(text).description == text)
    }

    @Test(
        "Case, blanks and other units of the same do not matter",
        arguments: [
            ("DROP 1%,Duplicate  2%", "drop 1%, duplicate 2%"), (" drop 1.50% ", "drop 1.5%"),
            ("stall 0.5m every 3600s", "stall 30s every 1h"), ("skew 1500ms", "skew 1500ms"),
            ("skew 0.25s", "skew 250ms"),
        ]
    )
    func sameness(text: String, expected: String) throws {
        #expect(try FaultPlan(text).description == expected)
    }

    @Test(
        "A mistake is named with its column and what fits there",
        arguments: [
            ("", 1, "the end stands where a fault belongs. Write one of drop"), ("drip 1%", 1, "'drip'"),
            ("drop", 5, "like 'drop 1%'"),
            ("drop 1", 6, "'1' is no share"), ("drop 101%", 6, "'101%'"), ("drop 0%", 6, "'0%'"),
            ("drop 1%, ", 10, "a fault belongs"),
            ("drop 1%,, skew 2s", 9, "','"), ("drop 1% duplicate 1%", 9, "where ',' belongs"),
            ("drop 1%, drop 2%", 10, "already"),
            ("gap x every 3s", 5, "'x'"), ("gap 0 every 3s", 5, "'0'"), ("gap 20 3s", 8, "'every'"),
            ("gap 20 every 3", 14, "'3' is no time"),
            ("stall 3s every 3s", 16, "never end"), ("disconnect 45s", 12, "'every'"),
            ("disconnect every -1s", 18, "'-1s'"),
            ("skew 25h", 6, "24h"), ("skew 0s", 6, "1ms"), ("burst 5 for 1s every 2s", 7, "'5'"),
            ("burst 1x for 1s every 2s", 7, "'1x'"),
            ("burst 5x 1s every 2s", 10, "'for'"), ("none, drop 1%", 5, "either out"), ("drop 1.00001%", 6, "0.0001%"),
            ("skew 99999999999999999999s", 6, "24h"),
        ]
    )
    func mistakes(text: String, column: Int, words: String) {
        let error = #expect(throws: FaultPlanError.self) { try FaultPlan(text) }
        #expect(error?.column == column)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
}
