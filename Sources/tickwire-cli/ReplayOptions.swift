import ArgumentParser
import Tickwire

/// Options of the services that can play recordings.
struct ReplayOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Play a recording in a feed's place; may be repeated. Ends when the recordings end, unless --feeds names live ones.",
            valueName: "name=file"))
    var replay: [String] = []
    @Option(
        help: ArgumentHelp(
            "max, or how many times as fast as it was recorded: 1, 10, 1000. (default: 1)", valueName: "speed"))
    var replaySpeed: String?
    @Flag(help: "Let recorded prices fire alerts, which they otherwise never do.")
    var replayAlerts = false

    func add(to flags: inout SettingsFlags) {
        flags.replays = self.replay
        flags.replaySpeed = self.replaySpeed
        flags.replayAlerts = self.replayAlerts
    }
}
