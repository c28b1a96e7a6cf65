import Atomics
public import FeedLanguage

/// Counts of what became of a feed's frames: each frame ends in exactly one of them.
public struct FrameTally: Sendable {
    /// The outcomes' names, as in metrics and in `feeds check --recording`.
    public static let names = ["ticks", "control", "ignored", "unmatched", "reconnect", "error", "malformed"]

    private let counts = Self.names.map { _ in ManagedAtomic(0) }

    /// All zero.
    public init() {}

    /// The name under which an outcome is counted.
    public static func name(of outcome: FrameOutcome) -> String { self.names[self.index(of: outcome)] }

    /// Counts one frame.
    ///
    /// Any thread.
    public func count(_ outcome: FrameOutcome) {
        self.counts[Self.index(of: outcome)].wrappingIncrement(ordering: .relaxed)
    }

    /// The counts by name.
    public var values: [(name: String, count: Int)] {
        zip(Self.names, self.counts).map { ($0, $1.load(ordering: .relaxed)) }
    }

    private static func index(of outcome: FrameOutcome) -> Int {
        switch outcome {
        case .ticks: 0
        case .control, .reply, .acknowledged, .registered: 1
        case .ignored: 2
        case .unmatched: 3
        case .reconnect: 4
        case .providerError, .fatal: 5
        case .malformed: 6
        }
    }
}
