import Market

/// A reader's place in a stream, and the way from there.
struct ReaderState {
    /// A segment that is open.
    private struct Place {
        /// `nil` when the file cannot be read.
        let cursor: SegmentCursor?
        /// The number of its first tick.
        let first: Int64
        /// The number that the next record has when nothing is missing.
        var expected: Int64
        /// The first number of the segment behind it, where this one ends whatever it holds.
        var next: Int64?
        /// The record that is being read, and how far.
        var record: (frame: RecordFrame, number: Int64, offset: Int)?
        /// What is missing from here on is missing because of damage.
        var isDamaged = false
    }

    /// What is read before it is known whether it may be given out.
    private struct Draft {
        var number: Int64
        var trades: [Trade] = []
        var quotes: [Quote] = []
        var lost: [JournalLoss] = []
        /// When the last tick before `number` was received.
        var received: Timestamp?

        var count: Int { self.trades.count + self.quotes.count }

        /// Takes a hole from `number` up to `end`.
        mutating func lose(_ stream: JournalStream, until end: Int64, _ reason: JournalLoss.Reason) {
            guard end > self.number else { return }
            self.lost.append(
                JournalLoss(
                    stream: stream, first: self.number, count: end - self.number, reason: reason,
                    before: self.received, after: nil))
            self.number = end
            self.received = nil
        }

        /// A tick was read; `false` for one that lies before the place where the batch begins.
        @inline(__always)
        mutating func takes(_ tick: Int64, receivedAt time: Timestamp) -> Bool {
            self.received = time
            if tick < self.number { return false }
            self.fillLoss(time)
            self.number = tick + 1
            return true
        }

        /// The first tick behind a hole tells when it was over.
        @inline(__always)
        private mutating func fillLoss(_ time: Timestamp) {
            guard let last = self.lost.indices.last, self.lost[last].after == nil,
                self.lost[last].first + self.lost[last].count == self.number
            else { return }
            self.lost[last].after = time
        }
    }

    private let shared: JournalShared
    private let stream: JournalStream
    /// Whether what it gives counts as safe.
    private let isSafe: Bool
    /// The number of the next tick.
    private(set) var position: Int64
    private var received: Timestamp?
    private var place: Place?

    init(_ shared: JournalShared, _ stream: JournalStream, position: Int64, isSafe: Bool) {
        self.shared = shared
        self.stream = stream
        self.isSafe = isSafe
        self.position = max(position, 0)
    }

    /// Reads on; `nil` when nothing lies beyond the position.
    mutating func batch(ticksMax: Int) throws(JournalError) -> JournalBatch? {
        while true {
            let view = self.shared.view(self.stream)
            guard self.position < view.end else { return nil }
            var draft = Draft(number: self.position, received: self.received)
            guard try self.read(view, max(ticksMax, 1), &draft) else {
                // The segment is gone: released, or shed.
                self.place = nil
                continue
            }
            let batch = JournalBatch(
                first: self.position, end: draft.number, trades: draft.trades, quotes: draft.quotes, lost: draft.lost)
            guard self.shared.handOut(batch, self.stream, view, isSafe: self.isSafe) else {
                self.place = nil
                continue
            }
            self.position = draft.number
            self.received = draft.received
            return batch
        }
    }

    /// Reads until the batch is full or nothing is left.
    ///
    /// - Returns: `false` when `view` is out of date.
    private mutating func read(_ view: StreamView, _ ticksMax: Int, _ draft: inout Draft) throws(JournalError) -> Bool {
        if let first = self.place?.first {
            guard let index = view.segments.firstIndex(where: { $0.first == first }) else { return false }
            self.place?.cursor?.limit = view.segments[index].readableBytes
            self.place?.next = index + 1 < view.segments.count ? view.segments[index + 1].first : nil
        }
        while draft.count < ticksMax, draft.number < view.end {
            if self.place == nil {
                guard let segment = self.segment(at: draft.number, view) else {
                    draft.lose(self.stream, until: view.end, .full)
                    break
                }
                guard try self.open(segment, view) else { return false }
                draft.lose(self.stream, until: segment.first, .full)
            }
            if self.place?.record != nil {
                self.readRecord(ticksMax, &draft)
            } else if try self.advance(&draft) == false {
                // The end of the segment: the one behind it goes on.
                let reason: JournalLoss.Reason = self.place?.isDamaged == true ? .damaged : .full
                guard let next = self.place?.next else {
                    draft.lose(self.stream, until: view.end, reason)
                    break
                }
                draft.lose(self.stream, until: next, reason)
                guard let segment = view.segments.first(where: { $0.first == next }) else { return false }
                guard try self.open(segment, view) else { return false }
            }
        }
        return true
    }

    /// The segment that has the tick `number`; if none has, the first one behind it.
    private func segment(at number: Int64, _ view: StreamView) -> SegmentInfo? {
        view.segments.last { $0.first <= number } ?? view.segments.first
    }

    /// Opens a segment; `false` when it is gone since `view` was made.
    private mutating func open(_ segment: SegmentInfo, _ view: StreamView) throws(JournalError) -> Bool {
        self.place = nil
        let next = view.segments.first { $0.first > segment.first }?.first
        do {
            let file = try self.shared.disk.open(segment.path, isWritable: false)
            let cursor = SegmentCursor(self.shared.disk, file: file, limit: segment.readableBytes)
            self.place = Place(cursor: cursor, first: segment.first, expected: segment.first, next: next)
            return true
        } catch {
            guard self.shared.view(self.stream).segments.contains(where: { $0.first == segment.first }) else {
                return false
            }
            guard error.isAbsence || error.isFailingDevice else {
                throw .unreadable(file: segment.path, reason: error.description)
            }
            // Somebody took the file away, or the disk lost it: nothing of it will come back.
            self.place = Place(
                cursor: nil, first: segment.first, expected: segment.first, next: next, isDamaged: true)
            return true
        }
    }

    /// Goes to the next record; `false` at the segment's end.
    private mutating func advance(_ draft: inout Draft) throws(JournalError) -> Bool {
        guard var place = self.place, let cursor = place.cursor else { return false }
        defer { self.place = place }
        while true {
            let finding: SegmentCursor.Finding
            do throws(DiskError) {
                finding = try cursor.next(from: place.expected)
            } catch {
                guard error.isFailingDevice else {
                    let name = SegmentName(stream: self.stream, first: place.first).text
                    throw .unreadable(
                        file: self.shared.settings.directory + "/" + name, reason: error.description)
                }
                // What the disk has lost counts as damaged: reading goes on behind it.
                place.isDamaged = true
                return false
            }
            switch finding {
            case .record(let frame):
                if let next = place.next, frame.first >= next { return false }
                let reason: JournalLoss.Reason = place.isDamaged ? .damaged : .full
                place.isDamaged = false
                place.expected = max(place.expected, frame.end)
                guard frame.end > draft.number else { continue }
                draft.lose(self.stream, until: frame.first, reason)
                place.record = (frame, frame.first, 0)
                return true
            case .damage: place.isDamaged = true
            case .tail:
                place.isDamaged = true
                return false
            case .end: return false
            }
        }
    }

    /// Reads on in the record that is open.
    private mutating func readRecord(_ ticksMax: Int, _ draft: inout Draft) {
        guard var place = self.place, let cursor = place.cursor, var record = place.record else { return }
        let end = min(record.frame.end, place.next ?? .max)
        let isWhole = cursor.withTicks(record.frame) { bytes -> Bool in
            var reader = ByteReader(bytes, at: record.offset)
            defer { record.offset = reader.offset }
            while record.number < end, draft.count < ticksMax {
                switch self.stream {
                case .trades:
                    guard let trade = TickCoder.trade(&reader) else { return false }
                    if draft.takes(record.number, receivedAt: trade.receivedTime) { draft.trades.append(trade) }
                case .quotes:
                    guard let quote = TickCoder.quote(&reader) else { return false }
                    if draft.takes(record.number, receivedAt: quote.receivedTime) { draft.quotes.append(quote) }
                }
                record.number += 1
            }
            return true
        }
        if !isWhole {
            // The checksum is right and the content is not: what comes after it may still be sound.
            draft.lose(self.stream, until: end, .damaged)
            place.record = nil
        } else {
            place.record = record.number < end ? record : nil
        }
        self.place = place
    }
}
