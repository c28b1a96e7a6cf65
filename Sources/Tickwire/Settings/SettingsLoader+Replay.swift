import Foundation
import Ingest

extension SettingsLoader {
    /// Replays are asked for on the command line only: a service that starts by itself must not play old prices.
    static func readReplays(_ flags: SettingsFlags, into settings: inout Settings) throws {
        for pair in flags.replays {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw SetupError.badSetting(
                    name: "--replay", value: pair, expected: "NAME=FILE, for example coinbase=COINBASE.rec")
            }
            let file = String(pair[pair.index(after: equals)...])
            guard FileManager.default.isReadableFile(atPath: file) else {
                throw SetupError.notFound(what: "The recording", path: file, fix: "Check --replay.")
            }
            settings.replays[String(pair[..<equals])] = file
        }
        if let text = flags.replaySpeed {
            guard let speed = ReplaySpeed(text) else {
                throw SetupError.badSetting(
                    name: "--replay-speed", value: text, expected: "max, or how many times as fast: 1, 10, 1000")
            }
            settings.replaySpeed = speed
        }
        settings.replayFiresAlerts = flags.replayAlerts
    }
}
