import Alerts
import ArgumentParser
import Ingest
import Market
import Tickwire

/// `tickwire alerts test`.
struct AlertsTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Try a condition on a few prices: would it fire, and why not?",
        discussion: """
            The prices go through the evaluator of the service, one after the other,
            --every so much time apart. Nothing is stored, no database is needed. A price
            is a trade, PRICE@VENUE one at another venue, BID/ASK a quote.

            EXAMPLES
              tickwire alerts test "above 70000" --price 70001
              tickwire alerts test "crosses above 70000" --previous 69990 --price 70001
              tickwire alerts test "crosses above 70000 rearm 0.5%" \\
                --prices 69990,70001,69999,70002,69600,70003
              tickwire alerts test "moves 5% in 10m" --prices 100,103,105.5 --every 1m
              tickwire alerts test "spread above 0.5%" --prices 99.9/100.1,99/101
              tickwire alerts test "diverges 1% between coinbase and kraken" \\
                --prices 100@coinbase,100.5@kraken,102@coinbase
              tickwire alerts test "above 70000 cooldown 5m" --every 1m \\
                --prices 70001,69999,70001 --json
            """
    )

    @Argument(help: "The condition with its options, in quotes.")
    var condition: String
    @Option(help: "Prices that came before, in order; may be repeated.")
    var previous: [String] = []
    @Option(help: "The price that is tried; may be repeated.")
    var price: [String] = []
    @Option(help: ArgumentHelp("Several prices with commas between them.", valueName: "p,p,…"))
    var prices: String?
    @Option(help: "How much time passes between two prices.")
    var every: DurationArgument = DurationArgument(seconds: 1)
    @Option(help: "The symbol, for messages.")
    var symbol: String = "TEST"
    @Flag(help: "One JSON object a price.")
    var json = false

    func validate() throws {
        guard !self.price.isEmpty || self.prices != nil else {
            throw ValidationError("Give a price to try: --price 70001, or several: --prices 69990,70001.")
        }
    }

    func run() throws {
        let expression = try AlertExpression(parsing: self.condition, now: .now)
        let list = (self.prices ?? "").split(separator: ",", omittingEmptySubsequences: true).map {
            $0.filter { !$0.isWhitespace }
        }
        let trial = AlertTrial(
            expression: expression, symbol: try Symbol(self.symbol), venue: try Venue("test"),
            interval: .nanoseconds(self.every.nanoseconds))
        let steps: [AlertTrial.Step]
        do { steps = try trial.run(self.previous + self.price + list) } catch {
            throw CommandError.usage(error.description)
        }
        if self.json {
            for step in steps {
                Terminal.print(
                    "{\"price\":\(JSONLine.string(step.input)),\"fires\":\(!step.fired.isEmpty),"
                        + "\"reason\":\(JSONLine.string(step.reason))}")
            }
            return
        }
        Terminal.print("\(expression)")
        var table = Table([("TIME", .right), ("PRICE", .right), ("", .left)])
        for step in steps {
            table.add(["+\(step.offset.components.seconds)s", step.input, step.reason])
        }
        for line in table.lines { Terminal.print(line) }
        let count = steps.reduce(0) { $0 + $1.fired.count }
        Terminal.print(count == 0 ? "Would not fire." : "Would fire \(count == 1 ? "once" : "\(count) times").")
    }
}
