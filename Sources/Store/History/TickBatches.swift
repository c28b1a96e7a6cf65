import Market

/// Collects ticks to batches, of one reader or of two.
struct TickBatches {
    private var skip: Int
    private var left: Int
    private let batchSize: Int
    private var batch: [PlacedTick] = []

    init(skip: Int, limit: Int, batchSize: Int) {
        self.skip = skip
        self.left = limit
        self.batchSize = max(1, batchSize)
    }

    /// Takes what a reader has at hand.
    ///
    /// - Returns: `false` when there is no more, or no more is wanted.
    mutating func take(
        from reader: inout TickReader, _ body: ([PlacedTick]) async throws -> Void
    ) async throws -> Bool {
        guard self.left > 0, try await reader.fill() else { return false }
        while let tick = reader.first, self.left > 0 {
            reader.removeFirst()
            self.add(tick)
            if self.batch.count >= self.batchSize { try await self.finish(body) }
        }
        // Nothing waits for a server that pauses.
        try await self.finish(body)
        return self.left > 0
    }

    /// Takes what two readers have at hand, in one order.
    ///
    /// - Returns: `false` when there is no more, or no more is wanted.
    mutating func takeEarlier(
        _ first: inout TickReader, _ second: inout TickReader, _ direction: HistoryDirection,
        _ body: ([PlacedTick]) async throws -> Void
    ) async throws -> Bool {
        guard self.left > 0 else { return false }
        guard try await first.fill() else { return try await self.take(from: &second, body) }
        guard try await second.fill() else { return try await self.take(from: &first, body) }
        while let left = first.first, let right = second.first, self.left > 0 {
            let isLeft = direction == .forward ? left.cursor < right.cursor : left.cursor > right.cursor
            if isLeft { first.removeFirst() } else { second.removeFirst() }
            self.add(isLeft ? left : right)
            if self.batch.count >= self.batchSize { try await self.finish(body) }
        }
        // Nothing waits for a server that pauses.
        try await self.finish(body)
        return self.left > 0
    }

    /// Hands on what has been collected.
    mutating func finish(_ body: ([PlacedTick]) async throws -> Void) async throws {
        if self.batch.isEmpty { return }
        let batch = self.batch
        self.batch.removeAll(keepingCapacity: true)
        try await body(batch)
    }

    private mutating func add(_ tick: PlacedTick) {
        if self.skip > 0 {
            self.skip -= 1
            return
        }
        self.left -= 1
        self.batch.append(tick)
    }
}
