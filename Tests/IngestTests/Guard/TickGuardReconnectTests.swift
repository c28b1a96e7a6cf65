import FeedLanguage
import Market
import Testing

@testable import Ingest

@Suite("The guard: what was missed while a connection was lost")
struct TickGuardReconnectTests {
    private func seconds(_ count: Int64) -> Timestamp { Timestamp(nanoseconds: count * 1_000_000_000) }

    @Test("A contiguous sequence tells across the reconnect how many trades are missing")
    func sequence() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .contiguous))
        tickGuard.examine(try makeTrade(id: "10", sequence: 10, second: 10))
        tickGuard.connectionLost(at: seconds(11), isStall: false)
        let hole = try tickGuard.report(on: try makeTrade(id: "15", sequence: 15, second: 20)).openedHole()
        #expect(hole.reason == .reconnect)
        #expect(hole.missing == 4)
        #expect(tickGuard.report(on: try makeTrade(id: "18", sequence: 18, second: 21)).holes.count == 1)
    }

    @Test("A contiguous sequence that goes on tells that nothing is missing")
    func sequenceGoesOn() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .contiguous))
        tickGuard.examine(try makeTrade(id: "10", sequence: 10, second: 10))
        tickGuard.connectionLost(at: seconds(11), isStall: true)
        #expect(tickGuard.report(on: try makeTrade(id: "11", sequence: 11, second: 20)).holes.isEmpty)
    }

    @Test("A snapshot after the reconnect narrows the hole to what it does not bring", arguments: [false, true])
    func snapshotAfterReconnect(isNewestFirst: Bool) throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .contiguous))
        tickGuard.examine(try makeTrade(id: "10", sequence: 10, second: 10))
        tickGuard.connectionLost(at: seconds(11), isStall: false)
        var numbers: [Int64] = [14, 15, 16]
        if isNewestFirst { numbers.reverse() }
        for number in numbers {
            tickGuard.examine(
                try makeTrade(id: "\(number)", sequence: number, second: number, flags: .snapshot))
            #expect(!tickGuard.last.reasons.contains(.reorder))
        }
        #expect(tickGuard.report(on: try makeTrade(id: "17", sequence: 17, second: 17)).holes.isEmpty)
        #expect(tickGuard.missingTrades == [11...13])
    }

    @Test("Without numbers a reconnect leaves a hole by time, from the last frame to the first trade after it")
    func timeGap() throws {
        let tickGuard = TestGuard()
        tickGuard.examine(try makeTrade(id: "x", second: 100))
        tickGuard.connectionLost(at: seconds(104), isStall: true)
        let hole = try tickGuard.report(on: try makeTrade(id: "y", second: 130)).openedHole()
        #expect(hole.reason == .stall)
        #expect(hole.missing == nil)
        #expect(hole.number == nil)
        #expect(hole.bounds.fromID == "x" && hole.bounds.toID == "y")
        #expect(hole.bounds.fromTime == seconds(100) && hole.bounds.toTime == seconds(130))
        #expect(tickGuard.report(on: try makeTrade(id: "z", second: 131)).holes.isEmpty)
    }

    @Test(
        "What happens while a symbol is not asked for is not missing, with or without numbers",
        arguments: [true, false])
    func absence(isNumbered: Bool) throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: isNumbered ? .contiguous : .none))
        tickGuard.examine(try makeTrade(id: "10", sequence: 10, second: 10))
        tickGuard.left()
        tickGuard.connectionLost(at: seconds(11), isStall: false)
        #expect(tickGuard.report(on: try makeTrade(id: "5000", sequence: 5000, second: 900)).holes.isEmpty)
        #expect(tickGuard.missingTrades.isEmpty)
        // From then on what is missing counts again.
        let next = tickGuard.report(on: try makeTrade(id: "5003", sequence: 5003, second: 901))
        #expect(next.holes.count == (isNumbered ? 1 : 0))
    }

    @Test(
        "After an absence a snapshot brings nothing twice, and what lies between it and the first live trade is missing"
    )
    func snapshotAfterAbsence() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .contiguous))
        for number in Int64(9)...10 {
            tickGuard.examine(try makeTrade(id: "\(number)", sequence: number, second: number))
        }
        tickGuard.left()
        #expect(tickGuard.examine(try makeTrade(id: "10", sequence: 10, second: 10, flags: .snapshot)) == .duplicate)
        #expect(tickGuard.report(on: try makeTrade(id: "50", sequence: 50, second: 50, flags: .snapshot)).holes.isEmpty)
        #expect(try tickGuard.report(on: makeTrade(id: "53", sequence: 53, second: 53)).openedHole().missing == 2)
    }

    @Test("A late repair during an absence is no beginning, and a venue that counts anew meanwhile is followed")
    func absenceEdges() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .contiguous))
        tickGuard.examine(try makeTrade(id: "10", sequence: 10, second: 10))
        tickGuard.examine(try makeTrade(id: "13", sequence: 13, second: 13))
        tickGuard.left()
        tickGuard.examine(try makeTrade(id: "11", sequence: 11, second: 11, flags: .backfilled))
        #expect(tickGuard.missingTrades == [12...12])
        #expect(tickGuard.report(on: try makeTrade(id: "40", sequence: 40, second: 40)).holes.isEmpty)
        tickGuard.left()
        #expect(tickGuard.examine(try makeTrade(id: "r1", sequence: 1, second: 50)) == .accepted([]))
        #expect(try tickGuard.report(on: makeTrade(id: "r4", sequence: 4, second: 51)).openedHole().missing == 2)
    }

    @Test("Quotes that were counted during an absence are not missing either")
    func quotesAfterAbsence() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(quotes: .contiguous))
        tickGuard.examine(try makeQuote("1", "2", sequence: 5))
        tickGuard.left()
        tickGuard.examine(try makeQuote("1", "2", sequence: 90, second: 9))
        #expect(tickGuard.last.holes.isEmpty && tickGuard.missingQuotes.isEmpty)
    }

    @Test("A quiet symbol's hole begins shortly before the loss, not at its last trade")
    func quietSymbol() throws {
        let tickGuard = TestGuard()
        tickGuard.examine(try makeTrade(id: "x", second: 100))
        tickGuard.connectionLost(at: seconds(5000), isStall: false)
        let hole = try tickGuard.report(on: try makeTrade(id: "y", second: 9000)).openedHole()
        #expect(hole.bounds.fromTime == seconds(4990))
    }

    @Test("A snapshot that brings a known trade proves that nothing is missing; one that does not bounds the hole")
    func overlap() throws {
        let tickGuard = TestGuard()
        for id in 1...5 { tickGuard.examine(try makeTrade(id: "t\(id)", second: Int64(id))) }
        tickGuard.connectionLost(at: seconds(6), isStall: false)
        for id in 4...8 {
            tickGuard.examine(try makeTrade(id: "t\(id)", second: Int64(id), flags: .snapshot))
        }
        #expect(tickGuard.report(on: try makeTrade(id: "t9", second: 9)).holes.isEmpty)

        tickGuard.connectionLost(at: seconds(10), isStall: false)
        for id in 14...18 {
            tickGuard.examine(try makeTrade(id: "t\(id)", second: Int64(id), flags: .snapshot))
        }
        let hole = try tickGuard.report(on: try makeTrade(id: "t19", second: 19)).openedHole()
        #expect(hole.bounds.fromID == "t9" && hole.bounds.toID == "t14")
        #expect(hole.bounds.toTime == seconds(14))
    }

    @Test(
        "A venue that counts from the beginning again after a reconnect leaves a hole by time, not a flood of reorders")
    func restart() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .contiguous))
        tickGuard.examine(try makeTrade(id: "900", sequence: 900, second: 10))
        tickGuard.connectionLost(at: seconds(11), isStall: false)
        #expect(tickGuard.examine(try makeTrade(id: "1", sequence: 1, second: 20)) == .accepted([]))
        #expect(try tickGuard.last.openedHole().missing == nil)
        #expect(tickGuard.report(on: try makeTrade(id: "2", sequence: 2, second: 21)).isEmpty)
        #expect(tickGuard.examine(try makeTrade(id: "2", sequence: 2, second: 21)) == .duplicate)
    }

    @Test("A symbol of which only quotes come has a hole of quotes")
    func quotesOnly() throws {
        let tickGuard = TestGuard()
        tickGuard.examine(try makeQuote("1", "2", second: 10))
        tickGuard.connectionLost(at: seconds(12), isStall: false)
        tickGuard.examine(try makeQuote("1", "2", second: 20))
        let hole = try tickGuard.last.openedHole()
        #expect(hole.stream == .quotes)
        #expect(hole.bounds.fromTime == seconds(12) && hole.bounds.toTime == seconds(20))
    }

    @Test("Nothing is missing of a symbol that had not come yet, and two losses in a row are one")
    func nothingBefore() throws {
        let tickGuard = TestGuard()
        tickGuard.connectionLost(at: seconds(1), isStall: false)
        #expect(tickGuard.report(on: try makeTrade(id: "x", second: 2)).holes.isEmpty)
        tickGuard.connectionLost(at: seconds(3), isStall: false)
        tickGuard.connectionLost(at: seconds(9), isStall: true)
        let hole = try tickGuard.report(on: try makeTrade(id: "y", second: 10)).openedHole()
        #expect(hole.reason == .reconnect)
    }

    @Test("After a restart of the process the first trade tells what came meanwhile")
    func resume() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .contiguous))
        tickGuard.resume(after: try makeTrade(id: "70", sequence: 70, second: 100))
        #expect(tickGuard.examine(try makeTrade(id: "70", sequence: 70, second: 100, flags: .snapshot)) == .duplicate)
        let hole = try tickGuard.report(on: try makeTrade(id: "75", sequence: 75, second: 200)).openedHole()
        #expect(hole.bounds.fromID == "70" && hole.bounds.toID == "75")
        #expect(hole.missing == 4)
    }
}
