import Alerts
import Glibc
import Market

/// What a million alerts cost beside a thousand, on the same ticks.
///
/// Usage: `alert-benchmark [ALERTS] [SYMBOLS] [ROUNDS] [TICKS]`. Prints the time a tick takes with a thousand alerts and with
/// `ALERTS` in alternating rounds, the time to load them, the memory of one, and ticks with 10 000 additions and removals a second.
/// A thousand alerts are measured twice: spread over all symbols, of which most then have none, on the very same ticks; and on as few
/// symbols as give each as many alerts and ticks a second as it has with `ALERTS`, where nothing is passed less often.
@main
struct AlertBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
        func argument(_ index: Int, _ otherwise: Int) -> Int { arguments.count > index ? arguments[index] : otherwise }
        let alertCount = argument(0, 1_000_000)
        let symbolCount = argument(1, 2_000)
        let rounds = argument(2, 7)
        let ticksPerRound = argument(3, 500_000)

        var tape = try AlertTape(symbols: symbolCount)
        var few = AlertEvaluator()
        for alert in try tape.alerts(from: 1, count: 1_000) { few.insert(alert) }
        // As dense as the many: as many alerts and ticks a second for each symbol.
        let denseSymbols = max(1, 1_000 * symbolCount / max(1_000, alertCount))
        var denseTape = try AlertTape(symbols: denseSymbols)
        var dense = AlertEvaluator()
        dense.reload(try denseTape.alerts(from: 1, count: 1_000))
        let alerts = try tape.alerts(from: 1, count: alertCount)
        let memoryBefore = Self.residentBytes()
        let loadBegin = ContinuousClock.now
        var many = AlertEvaluator()
        many.reload(alerts)
        let load = loadBegin.duration(to: .now)
        let loadedBytes = (Self.residentBytes() - memoryBefore) / Double(many.count)

        // Both see the market for some minutes first: windows fill, and every alert has been looked at once.
        var firedByFew: [FiredAlert] = []
        var firedByMany: [FiredAlert] = []
        for part in 0..<8 {
            // Over an hour at a slow pace, so that all windows but a day's are full, and then at the pace that is measured.
            tape.pace = part < 4 ? 4_000_000_000 / Int64(ticksPerRound) * 300 : 10_000
            denseTape.pace = tape.pace * Int64(symbolCount / denseSymbols)
            for trade in try denseTape.next(ticksPerRound) {
                dense.evaluate(trade, now: trade.receivedTime, into: &firedByFew)
            }
            _ = dense.takeChanges()
            for trade in try tape.next(ticksPerRound) {
                few.evaluate(trade, now: trade.receivedTime, into: &firedByFew)
                many.evaluate(trade, now: trade.receivedTime, into: &firedByMany)
            }
            firedByFew.removeAll(keepingCapacity: true)
            firedByMany.removeAll(keepingCapacity: true)
            _ = many.takeChanges()
            _ = few.takeChanges()
        }
        let bytes = (Self.residentBytes() - memoryBefore) / Double(many.count)
        // What the alerts were made from is not part of the index, and stays until here so as not to be counted as saved.
        withExtendedLifetime(alerts) {}
        print(
            "load: \(Self.text(load / .seconds(1), 2)) s for \(alertCount) alerts, \(Self.text(Double(alertCount) / (load / .seconds(1)), 0)) alerts/s"
        )
        print(
            "memory: \(Self.text(loadedBytes, 0)) bytes an alert, after the first hour with windows and what was fired \(Self.text(bytes, 0))"
        )

        var fewTimes: [Double] = []
        var manyTimes: [Double] = []
        var denseTimes: [Double] = []
        var fired = 0
        for round in 0..<rounds {
            let trades = try tape.next(ticksPerRound)
            let isFewFirst = round % 2 == 0
            if isFewFirst { fewTimes.append(Self.time(trades, &few, &firedByFew)) }
            manyTimes.append(Self.time(trades, &many, &firedByMany))
            if !isFewFirst { fewTimes.append(Self.time(trades, &few, &firedByFew)) }
            denseTimes.append(Self.time(try denseTape.next(ticksPerRound), &dense, &firedByFew))
            _ = dense.takeChanges()
            fired += firedByMany.count
            print(
                "round \(round + 1): \(Self.text(fewTimes[round], 1)) ns a tick with 1000 alerts, \(Self.text(denseTimes[round], 1)) ns with 1000 on \(denseSymbols) symbols, \(Self.text(manyTimes[round], 1)) ns with \(many.count), \(firedByMany.count) fired"
            )
            firedByFew.removeAll(keepingCapacity: true)
            firedByMany.removeAll(keepingCapacity: true)
            _ = many.takeChanges()
            _ = few.takeChanges()
        }
        let fewMedian = fewTimes.sorted()[rounds / 2]
        let manyMedian = manyTimes.sorted()[rounds / 2]
        let denseMedian = denseTimes.sorted()[rounds / 2]
        print(
            "medians: \(Self.text(fewMedian, 1)) ns with 1000, \(Self.text(manyMedian, 1)) ns with \(many.count), ratio \(Self.text(manyMedian / fewMedian, 2)), \(fired) fired"
        )
        print(
            "as dense: \(Self.text(denseMedian, 1)) ns with 1000 on \(denseSymbols) symbols, ratio \(Self.text(manyMedian / denseMedian, 2))"
        )
        try Self.change(&many, &tape, ticksPerRound, nextID: Int64(alertCount) + 1)
    }

    /// Ticks with 10 000 additions and 10 000 removals a second of the market's time between them.
    static func change(_ index: inout AlertEvaluator, _ tape: inout AlertTape, _ ticks: Int, nextID: Int64) throws {
        let trades = try tape.next(ticks)
        guard let first = trades.first, let last = trades.last else { return }
        let seconds = Double(last.receivedTime.nanoseconds - first.receivedTime.nanoseconds) / 1e9
        let count = Int(seconds * 10_000)
        let added = try tape.alerts(from: nextID, count: count)
        var fired: [FiredAlert] = []
        var changed = 0
        let begin = ContinuousClock.now
        for (number, trade) in trades.enumerated() {
            while changed < count, changed * trades.count <= number * count {
                index.insert(added[changed])
                index.remove(id: nextID - 1 - Int64(changed))
                changed += 1
            }
            index.evaluate(trade, now: trade.receivedTime, into: &fired)
        }
        let elapsed = begin.duration(to: .now) / .seconds(1)
        print(
            "changes: \(changed) added and \(changed) removed during \(trades.count) ticks in \(Self.text(elapsed, 2)) s; the ticks came in \(Self.text(seconds, 2)) s of the market"
        )
    }

    /// Nanoseconds of processor time a tick, which others on the machine disturb less than the clock on the wall.
    static func time(_ trades: [Trade], _ index: inout AlertEvaluator, _ fired: inout [FiredAlert]) -> Double {
        let begin = Self.processorNanoseconds()
        for trade in trades { index.evaluate(trade, now: trade.receivedTime, into: &fired) }
        return (Self.processorNanoseconds() - begin) / Double(trades.count)
    }

    static func processorNanoseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }

    static func residentBytes() -> Double {
        var usage = [UInt8](repeating: 0, count: 256)
        let file = open("/proc/self/statm", O_RDONLY)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        let count = read(file, &usage, usage.count)
        let fields = String(decoding: usage.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Double(fields[1]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    static func text(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let whole = Int((value * scale).rounded())
        if decimals == 0 { return String(whole) }
        let fraction = String(whole % Int(scale))
        return "\(whole / Int(scale)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }
}
