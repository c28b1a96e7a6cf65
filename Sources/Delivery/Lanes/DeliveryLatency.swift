import Market
import Synchronization

/// How long deliveries took from the firing to their first request, as a Prometheus histogram.
public final class DeliveryLatency: Sendable {
    /// Upper bounds of the buckets in milliseconds.
    private static let bounds: [Int64] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000]

    private struct State {
        var counts = [Int64](repeating: 0, count: DeliveryLatency.bounds.count + 1)
        var sum: Int64 = 0
    }

    private let state = Mutex(State())

    /// Makes an empty histogram.
    public init() {}

    /// Counts one.
    func record(from firedAt: Timestamp, to now: Timestamp) {
        let microseconds = max(0, now.microseconds - firedAt.microseconds)
        let bucket = Self.bounds.firstIndex { microseconds <= $0 * 1_000 } ?? Self.bounds.count
        self.state.withLock { state in
            state.counts[bucket] += 1
            state.sum += microseconds
        }
    }

    /// The lines of `/metrics`.
    public var text: String {
        let name = "tickwire_delivery_latency_seconds"
        let state = self.state.withLock { $0 }
        var lines = ["# HELP \(name) From the firing to the first request.", "# TYPE \(name) histogram"]
        var total: Int64 = 0
        for (bound, count) in zip(Self.bounds, state.counts) {
            total += count
            lines.append("\(name)_bucket{le=\"\(Double(bound) / 1_000)\"} \(total)")
        }
        total += state.counts[Self.bounds.count]
        lines.append("\(name)_bucket{le=\"+Inf\"} \(total)")
        lines.append("\(name)_sum \(Double(state.sum) / 1_000_000)")
        lines.append("\(name)_count \(total)")
        return lines.joined(separator: "\n") + "\n"
    }
}
