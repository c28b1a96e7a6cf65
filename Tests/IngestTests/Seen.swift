import Alerts
import Channels
import Market
import Synchronization

@testable import Ingest

/// What came out of a pipeline.
final class Seen: EventPublisher {
    private struct State {
        var ticks: [Tick] = []
        var events: [ChannelEvent] = []
        var fired = 0
        var gaps: [GapChange] = []
        var quarantine: [QuarantineChange] = []
    }

    private let state = Mutex(State())
    var ticks: [Tick] { self.state.withLock { $0.ticks } }
    var events: [ChannelEvent] { self.state.withLock { $0.events } }
    var fired: Int { self.state.withLock { $0.fired } }
    var gaps: [GapChange] { self.state.withLock { $0.gaps } }
    var quarantine: [QuarantineChange] { self.state.withLock { $0.quarantine } }

    /// Outputs that end here.
    var outputs: PipelineOutputs {
        PipelineOutputs(
            record: { self.record($0) }, saveStates: { _ in }, alertsFired: { self.fired($0) },
            gaps: { changes in self.state.withLock { $0.gaps += changes } },
            quarantine: { changes in self.state.withLock { $0.quarantine += changes } }, publisher: self
        )
    }

    func publish(_ events: [ChannelEvent]) { self.state.withLock { $0.events.append(contentsOf: events) } }
    func record(_ ticks: [Tick]) { self.state.withLock { $0.ticks.append(contentsOf: ticks) } }
    func fired(_ alerts: [FiredAlert]) { self.state.withLock { $0.fired += alerts.count } }

    func sequences(on channel: String) -> [Int] {
        self.values("\"sequence\":", "}", on: channel).compactMap { Int($0) }
    }
    func prices(on channel: String) -> [String] { self.values("\"price\":\"", "\"", on: channel) }

    /// The data of the events of one name on a channel.
    func texts(_ name: String, on channel: String) -> [String] {
        self.events.filter { $0.channel == channel && $0.name == name }.map { String(decoding: $0.data, as: UTF8.self) }
    }

    private func values(_ start: String, _ end: String, on channel: String) -> [String] {
        self.events.filter { $0.channel == channel }.map { event in
            let text = String(decoding: event.data, as: UTF8.self)
            guard let from = text.firstRange(of: start)?.upperBound else { return "" }
            return String(text[from...].prefix { !end.contains($0) })
        }
    }
}
