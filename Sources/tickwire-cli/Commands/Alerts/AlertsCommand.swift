import ArgumentParser

/// `tickwire alerts`: stored conditions that notify.
struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Add, explain, try and change alerts.",
        discussion: """
            EXAMPLES
              tickwire alerts add BTC-USD "crosses above 70000"
              tickwire alerts list
              tickwire alerts show 1
              tickwire alerts snooze 1 --for 15m
              tickwire alerts test "moves 5% in 10m" --prices 100,103,105.5
              tickwire alerts backtest BTC-USD "up 3% in 1h" --since 30d
              tickwire alerts remove 1

            'tickwire alerts add --help' lists all conditions and options; the manual is
            docs/alerts.md.
            """,
        subcommands: [
            AlertsAddCommand.self, AlertsListCommand.self, AlertsShowCommand.self, AlertsPauseCommand.self,
            AlertsResumeCommand.self, AlertsSnoozeCommand.self, AlertsRemoveCommand.self, AlertsTestCommand.self,
            AlertsBacktestCommand.self,
        ]
    )
}

/// The grammar, as `--help` shows it.
enum AlertGrammarHelp {
    static let text = """
        CONDITIONS
          above P, below P                   the last price is beyond P
          crosses [above|below] P            the price goes to the other side of P
          between A and B                    the price is in the range
          enters A..B, leaves A..B           it comes into the range, or goes out of it
          moves 5% in 10m, up 500 in 1h      so far from a window's low or high
          down 3% today                      so far from the day's reference
          new high of 24h, new low of 30d    beyond all other prices of a window
          volume above 1200 in 5m            more is traded in a window
          volume above 5x in 5m              more than 5 times the usual
          spread above 0.5%                  ask - bid; also as an amount
          silent for 60s                     no tick while the market is open
          diverges 1% between coinbase and kraken

        OPTIONS, in any order
          once                fire a single time; repeat is the default
          cooldown 15m        stay silent after firing
          rearm 0.5%          fire again only after it came back so far
          confirm 2 ticks|5s  must be true so often, or so long
          again 2%            fire again when the price went so far since
          until 2030-12-31    ends then; also 2030-12-31T15:00Z or 7d
          priority passive|active|urgent
          hours regular|extended|all
        """
}
