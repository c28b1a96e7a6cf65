import Foundation
import Market
import Tickwire

/// The terminal's side of `watch`: one line a symbol that is redrawn, or a line a tick where the output is not a terminal.
final class WatchView {
    private let symbols: [String]
    private let isJSON: Bool
    private var latest: [String: WatchedTick] = [:]
    private var drawnLines = 0
    private var lastDrawn = ContinuousClock.now - .seconds(1)

    init(symbols: [String], isJSON: Bool) {
        self.symbols = symbols
        self.isJSON = isJSON
    }

    /// Shows a tick.
    ///
    /// - Parameters:
    ///   - name: The symbol as the user wrote it.
    ///   - text: The event's data, a JSON object.
    func show(_ name: String, _ text: String) {
        if self.isJSON {
            Terminal.print(text)
            return
        }
        guard let tick = try? JSONDecoder().decode(WatchedTick.self, from: Data(text.utf8)) else { return }
        let previous = self.latest[name]
        self.latest[name] = tick
        if Terminal.isInteractive {
            // No eye follows more than ten changes a second.
            guard ContinuousClock.now - self.lastDrawn > .milliseconds(100) || previous == nil else { return }
            self.draw()
        } else {
            Terminal.print(self.cells(name, tick).joined(separator: "  "))
        }
    }

    /// A word to the person, above the prices.
    func note(_ text: String) {
        Terminal.note(text)
        self.drawnLines = 0
    }

    /// Draws the last state once more.
    func finish() {
        if Terminal.isInteractive, !self.isJSON { self.draw() }
    }

    private func draw() {
        self.lastDrawn = .now
        var table = Table([
            ("SYMBOL", .left), ("PRICE", .right), ("CHANGE", .right), ("%", .right), ("BID", .right), ("ASK", .right),
            ("HIGH", .right), ("LOW", .right), ("VOLUME", .right), ("VENUE", .left), ("TIME (UTC)", .left),
        ])
        for name in self.symbols { table.add(self.latest[name].map { self.cells(name, $0) } ?? self.waiting(name)) }
        var text = self.drawnLines > 0 ? "\u{1B}[\(self.drawnLines)A" : ""
        let lines = table.lines
        for (index, line) in lines.enumerated() {
            let isDown = index > 0 && self.latest[self.symbols[index - 1]]?.change?.hasPrefix("-") == true
            let color = index == 0 || !Terminal.hasColor ? "" : (isDown ? "\u{1B}[31m" : "\u{1B}[32m")
            text += "\u{1B}[2K\(color)\(line)\(color.isEmpty ? "" : "\u{1B}[0m")\n"
        }
        self.drawnLines = lines.count
        Terminal.write(text)
    }

    private func waiting(_ name: String) -> [String] { [name, "waiting", "", "", "", "", "", "", "", "", ""] }

    private func cells(_ name: String, _ tick: WatchedTick) -> [String] {
        [
            name, tick.price ?? "-", tick.change ?? "", tick.percentChange.map { "\($0)%" } ?? "", tick.bid ?? "",
            tick.ask ?? "", tick.high ?? "", tick.low ?? "", tick.volume ?? "", tick.venue,
            tick.eventTime.map { String($0.dropFirst(11).prefix(12)) } ?? "",
        ]
    }
}
