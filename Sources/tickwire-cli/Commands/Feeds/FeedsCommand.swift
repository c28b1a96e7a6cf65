import ArgumentParser

/// `tickwire feeds`: the feed files.
struct FeedsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feeds", abstract: "Work with feed files and watch running feeds.",
        discussion: """
            EXAMPLES
              tickwire feeds list                          which there are, and which are on
              tickwire feeds check Feeds/acme.yaml         load a file and run its tests
              tickwire feeds explain kraken                what a file will do, in words
              tickwire feeds record kraken --for 60s --output kraken.rec
              tickwire feeds status --watch                what running feeds do
            """,
        subcommands: [
            FeedsListCommand.self, FeedsCheckCommand.self, FeedsExplainCommand.self, FeedsRecordCommand.self,
            FeedsReplayCommand.self, FeedsStatusCommand.self,
        ]
    )
}
