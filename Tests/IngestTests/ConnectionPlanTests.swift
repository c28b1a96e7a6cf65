import Market
import Testing

@testable import Ingest

@Suite("Spreading a feed's symbols over connections")
struct ConnectionPlanTests {
    private static func symbols(_ names: String) throws -> [Symbol] {
        try names.split(separator: " ").map { try Symbol(String($0)) }
    }

    @Test("Connections are filled one after the other")
    func filling() throws {
        var plan = ConnectionPlan()
        let changes = plan.update(try Self.symbols("A B C D E"), capacity: 2, connectionsMax: nil)
        #expect(
            changes == [
                .open(number: 1, symbols: try Self.symbols("A B")), .open(number: 2, symbols: try Self.symbols("C D")),
                .open(number: 3, symbols: try Self.symbols("E")),
            ])
        #expect(plan.refused.isEmpty)
    }

    @Test("What fits on no allowed connection is refused, the last first")
    func refusing() throws {
        var plan = ConnectionPlan()
        _ = plan.update(try Self.symbols("A B C D E"), capacity: 2, connectionsMax: 2)
        #expect(plan.connections.flatMap(\.symbols) == (try Self.symbols("A B C D")))
        #expect(plan.refused == (try Self.symbols("E")))
        let changes = plan.update(try Self.symbols("A C D E"), capacity: 2, connectionsMax: 2)
        #expect(changes == [.replaceSymbols(number: 1, symbols: try Self.symbols("A E"))])
        #expect(plan.refused.isEmpty)
    }

    @Test("A symbol more goes where there is room, and touches no other connection")
    func adding() throws {
        var plan = ConnectionPlan()
        _ = plan.update(try Self.symbols("A B C"), capacity: 2, connectionsMax: nil)
        let changes = plan.update(try Self.symbols("A B C D E"), capacity: 2, connectionsMax: nil)
        #expect(
            changes == [
                .replaceSymbols(number: 2, symbols: try Self.symbols("C D")),
                .open(number: 3, symbols: try Self.symbols("E")),
            ])
    }

    @Test("A connection without symbols is closed; its number is free for the next")
    func closing() throws {
        var plan = ConnectionPlan()
        _ = plan.update(try Self.symbols("A B C D E"), capacity: 2, connectionsMax: nil)
        #expect(
            plan.update(try Self.symbols("C E"), capacity: 2, connectionsMax: nil) == [
                .close(number: 1), .replaceSymbols(number: 2, symbols: try Self.symbols("C")),
            ])
        #expect(
            plan.update(try Self.symbols("C E F G H"), capacity: 2, connectionsMax: nil) == [
                .open(number: 1, symbols: try Self.symbols("H")),
                .replaceSymbols(number: 2, symbols: try Self.symbols("C F")),
                .replaceSymbols(number: 3, symbols: try Self.symbols("E G")),
            ])
    }

    @Test("A symbol named twice is carried once")
    func doubles() throws {
        var plan = ConnectionPlan()
        _ = plan.update(try Self.symbols("A A B A"), capacity: 2, connectionsMax: nil)
        #expect(plan.connections.map(\.symbols) == [try Self.symbols("A B")])
    }

    @Test(
        "Whatever is asked for in turn, limits hold, nothing is carried twice and nothing that stays moves",
        arguments: UInt64(0)..<200)
    func invariants(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let all = try (0..<30).map { try Symbol("S\($0)") }
        var plan = ConnectionPlan()
        for _ in 0..<20 {
            let wanted = all.filter { _ in random.next() % 3 != 0 }
            let capacity = Int(random.next() % 5) + 1
            let connectionsMax = random.next() % 2 == 0 ? nil : Int(random.next() % 6) + 1
            let before = plan.connections
            let changes = plan.update(wanted, capacity: capacity, connectionsMax: connectionsMax)
            let carried = plan.connections.flatMap(\.symbols)
            #expect(Set(carried).count == carried.count)
            #expect(Set(carried).union(plan.refused) == Set(wanted))
            #expect(plan.connections.allSatisfy { (1...capacity).contains($0.symbols.count) })
            #expect(plan.connections.count <= connectionsMax ?? .max)
            #expect(plan.refused.isEmpty || plan.connections.count == connectionsMax)
            // Played back, the changes lead from the old connections to the new ones.
            var played = Dictionary(before.map { ($0.number, $0.symbols) }, uniquingKeysWith: { $1 })
            for change in changes {
                switch change {
                case .open(let number, let symbols):
                    #expect(played[number] == nil)
                    played[number] = symbols
                case .replaceSymbols(let number, let symbols):
                    #expect(played[number] != nil)
                    played[number] = symbols
                case .close(let number): #expect(played.removeValue(forKey: number) != nil)
                }
                #expect(played.count <= max(before.count, connectionsMax ?? .max))
            }
            #expect(played == Dictionary(plan.connections.map { ($0.number, $0.symbols) }, uniquingKeysWith: { $1 }))
        }
    }
}

/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
