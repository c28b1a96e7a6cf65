/// Which alerts a notification of ``AlertStore/changesChannel`` says have changed.
public enum AlertChanges: Sendable, Hashable {
    /// Those with ids in the ranges.
    case ids([ClosedRange<Int64>])
    /// Too many to be listed: all must be read again.
    case all

    /// Reads a payload: `17,40-1039`.
    ///
    /// What it cannot read means ``all``: reading too much is never wrong.
    public init(payload: String) {
        var ranges: [ClosedRange<Int64>] = []
        for part in payload.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
            guard (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1],
                first <= last
            else {
                self = .all
                return
            }
            ranges.append(first...last)
        }
        self = .ids(ranges)
    }
}
