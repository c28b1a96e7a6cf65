import FeedLanguage
import Market

/// Judges the order of one symbol's quotes at one venue.
struct QuoteGuard: Sendable {
    private var track = SequenceTrack()
    private var newestTime: Timestamp?

    /// The quotes that are missing below the highest number seen, lowest first.
    var missing: [ClosedRange<Int64>] { self.track.missing }

    /// Judges a quote.
    ///
    /// - Parameters:
    ///   - quote: The next one.
    ///   - sequencing: What the numbers of quotes promise.
    ///   - hasReturned: Whether the connection was lost and the venue may count anew.
    ///   - loss: When and why the connection was lost, if nothing but quotes can tell what is missing.
    ///   - report: Gets holes and what is to be counted.
    /// - Returns: What is to become of the quote.
    mutating func examine(
        _ quote: Quote, _ sequencing: Sequencing, hasReturned: Bool, loss: (at: Timestamp, reason: GapReason)?,
        into report: inout GuardReport
    ) -> TickGuard.Verdict {
        let before = self.newestTime
        let isNews = !quote.flags.contains(.snapshot)
        var flags: TickFlags = []
        if sequencing != .none, let sequence = quote.venueSequence {
            switch self.order(quote, sequence, sequencing, hasReturned, into: &report) {
            case .inOrder: break
            case .duplicate: return .duplicate
            case .outOfOrder:
                flags = .outOfOrder
                if isNews { report.reasons.insert(.reorder) }
            }
        }
        if let before, quote.eventTime < before {
            if isNews { report.reasons.insert(.late) }
        } else {
            self.newestTime = quote.eventTime
        }
        if let loss, let before, sequencing != .contiguous || quote.venueSequence == nil {
            let bounds = TickBounds(fromTime: max(before, loss.at), toTime: quote.eventTime)
            report.holes.append(
                .opened(.init(number: nil, bounds: bounds, stream: .quotes, reason: loss.reason, missing: nil)))
        }
        return .accepted(flags)
    }

    private enum Order { case inOrder, outOfOrder, duplicate }

    private mutating func order(
        _ quote: Quote, _ sequence: Int64, _ sequencing: Sequencing, _ hasReturned: Bool, into report: inout GuardReport
    ) -> Order {
        if sequencing == .increasing {
            if self.track.hasStarted, sequence < self.track.highest, !hasReturned { return .outOfOrder }
            self.track.raise(to: sequence)
            return .inOrder
        }
        let isHistory = self.newestTime == nil || quote.flags.contains(.snapshot)
        switch self.track.take(sequence, isHistory: isHistory) {
        case .first, .next, .restarted: return .inOrder
        case .ahead(let previous):
            let bounds = TickBounds(
                fromSequence: previous, toSequence: sequence, fromTime: self.newestTime, toTime: quote.eventTime)
            report.holes.append(
                .opened(
                    .init(
                        number: self.track.lastGap, bounds: bounds, stream: .quotes,
                        reason: hasReturned ? .reconnect : .sequence, missing: sequence - previous - 1
                    )
                )
            )
            return .inOrder
        case .filling(let gap, let remaining):
            if gap > 0 { report.holes.append(.filled(.quotes, number: gap, remaining: remaining)) }
            return .outOfOrder
        case .known, .below:
            guard hasReturned else { return sequence < self.track.lowest ? .outOfOrder : .duplicate }
            self.track.restart(at: sequence)
            return .inOrder
        }
    }
}
