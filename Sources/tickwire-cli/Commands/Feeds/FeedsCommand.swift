import ArgumentParser

/// `tickwire feeds`: the feed files.
struct FeedsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feeds", abstract: "Work with feed files and watch running feeds.",
        subcommands: [
            FeedsListCommand.self, FeedsCheckCommand.self, FeedsExplainCommand.self, FeedsRecordCommand.self,
            FeedsReplayCommand.self, FeedsStatusCommand.self,
        ]
    )
}
