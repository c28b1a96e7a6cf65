import Alerts
import Foundation
import Market
import Testing

@Suite("Alerts of all kinds against the plain evaluation")
struct AlertScenarioTests {
    @Test("Markets that once differed", arguments: [UInt64](arrayLiteral: 10_001, 10_040, 10_046, 10_709))
    func differed(seed: UInt64) throws {
        var scenario = try AlertScenario(seed: seed)
        scenario.advances = seed % 3 == 0 ? Int(seed % 4) + 1 : 0
        try scenario.run(ticks: 1_000, alerts: 40)
    }

    @Test("Made-up markets fire exactly what the definitions say", arguments: UInt64(0)..<40)
    func scenarios(seed: UInt64) throws {
        var scenario = try AlertScenario(seed: seed)
        try scenario.run(ticks: 150, alerts: 30)
    }

    @Test("How often the time is told does not change what fires", arguments: UInt64(500)..<512)
    func advances(seed: UInt64) throws {
        var scenario = try AlertScenario(seed: seed)
        scenario.advances = Int(seed % 4) + 1
        try scenario.run(ticks: 150, alerts: 30)
    }

    /// `TICKWIRE_ALERT_SCENARIOS=3000 swift test -c release --filter "AlertScenarioTests/many"`: three million ticks.
    @Test("So do as many markets as TICKWIRE_ALERT_SCENARIOS says")
    func many() throws {
        guard let text = ProcessInfo.processInfo.environment["TICKWIRE_ALERT_SCENARIOS"], let count = UInt64(text)
        else {
            return
        }
        var ticks = 0
        var alerts = 0
        var fired: [String: Int] = [:]
        for seed in 10_000..<10_000 + count {
            var scenario = try AlertScenario(seed: seed)
            scenario.advances = seed % 3 == 0 ? Int(seed % 4) + 1 : 0
            do { try scenario.run(ticks: 1_000, alerts: 40) } catch {
                Issue.record("seed \(seed)")
                throw error
            }
            ticks += scenario.report.ticks
            alerts += scenario.report.alerts
            fired.merge(scenario.report.fired) { $0 + $1 }
        }
        print("\(count) markets, \(ticks) ticks, \(alerts) alerts; fired:", fired.sorted { $0.key < $1.key })
    }
}
