import Market

/// Which connection of a feed carries which symbols, and what has to change when others are wanted.
///
/// Symbols that stay never move: their connection is not touched for their sake.
struct ConnectionPlan: Equatable, Sendable {
    /// What is to be done for one connection.
    enum Change: Equatable, Sendable {
        case open(number: Int, symbols: [Symbol])
        case replaceSymbols(number: Int, symbols: [Symbol])
        case close(number: Int)
    }

    /// One connection.
    struct Connection: Equatable, Sendable {
        /// Its number, from 1; the lowest free one is given.
        let number: Int
        /// What it carries, in the order it was asked for.
        var symbols: [Symbol]
    }

    /// The connections, by number.
    private(set) var connections: [Connection] = []
    /// What fits on none of them.
    private(set) var refused: [Symbol] = []

    /// Other symbols are wanted.
    ///
    /// - Parameters:
    ///   - symbols: All that are wanted, best first: what does not fit is refused from the end.
    ///   - capacity: How many one connection may carry.
    ///   - connectionsMax: How many connections there may be; `nil` is any number.
    /// - Returns: What to do, closing first, so that a venue's limit is never passed.
    mutating func update(_ symbols: [Symbol], capacity: Int, connectionsMax: Int?) -> [Change] {
        var seen: Set<Symbol> = []
        var missing = symbols.filter { seen.insert($0).inserted }
        let old = self.connections
        var new: [Connection] = []
        for connection in old.prefix(connectionsMax ?? old.count) {
            let staying = connection.symbols.filter(seen.contains).prefix(capacity)
            new.append(Connection(number: connection.number, symbols: Array(staying)))
        }
        let placed = Set(new.flatMap(\.symbols))
        missing.removeAll(where: placed.contains)
        for index in new.indices {
            let added = missing.prefix(capacity - new[index].symbols.count)
            new[index].symbols += added
            missing.removeFirst(added.count)
        }
        new.removeAll { $0.symbols.isEmpty }
        while !missing.isEmpty, new.count < connectionsMax ?? .max {
            let number = (1...).first { number in !new.contains { $0.number == number } } ?? 1
            new.append(Connection(number: number, symbols: Array(missing.prefix(capacity))))
            missing.removeFirst(min(capacity, missing.count))
        }
        self.connections = new.sorted { $0.number < $1.number }
        self.refused = missing
        return Self.changes(from: old, to: self.connections)
    }

    private static func changes(from old: [Connection], to new: [Connection]) -> [Change] {
        var changes: [Change] = []
        for connection in old where !new.contains(where: { $0.number == connection.number }) {
            changes.append(.close(number: connection.number))
        }
        for connection in new {
            guard let before = old.first(where: { $0.number == connection.number }) else {
                changes.append(.open(number: connection.number, symbols: connection.symbols))
                continue
            }
            if before.symbols != connection.symbols {
                changes.append(.replaceSymbols(number: connection.number, symbols: connection.symbols))
            }
        }
        return changes
    }
}
