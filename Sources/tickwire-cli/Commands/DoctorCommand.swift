import ArgumentParser
import Foundation
import HTTPClient
import Market
import Tickwire

/// `tickwire doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check everything a service needs, and say how to mend what is wrong.",
        discussion: """
            Looks at the settings, apps, open files, data directory, journal and free space, database and its migrations, feeds, NATS,
            credentials of push services, and the clock. Changes nothing and prints no secret. What is not set is skipped.

            Ends with 78 when something keeps the service, or a part of it, from working; warnings alone end with 0.

            EXAMPLES
              tickwire doctor
              tickwire doctor --config /etc/tickwire.yaml --json
              tickwire doctor --clock https://fcm.googleapis.com/
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(
        help: ArgumentHelp(
            "Compare this machine's clock with a server's; default: that of a push service that is set.",
            valueName: "url"))
    var clock: String?
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let findings: [Finding]
        do {
            let settings = try await self.options.load()
            let client = HTTPClient(version: TickwireVersion.current)
            let doctor = Doctor(
                settings: settings, clockURL: self.clock ?? Self.clockURL(settings), client: client,
                logger: self.options.silentLogger(settings))
            findings = [Finding("settings", .ok, "every value can be read")] + (await doctor.examine())
            await client.shutdown()
        } catch let error as SetupError {
            findings = [Finding("settings", .fail, "\(error)", fix: "Nothing else can be looked at before.")]
        }
        for finding in findings { Terminal.print(self.json ? Self.line(finding) : Self.text(finding)) }
        let count = findings.count { $0.state == .fail }
        if count > 0 {
            Terminal.note("tickwire: \(count) of \(findings.count) checks failed")
            throw ExitCode(78)
        }
    }

    private static func clockURL(_ settings: Settings) -> String? {
        let push = settings.push
        if push.fcmServiceAccountFile != nil { return push.fcmURL ?? "https://fcm.googleapis.com" }
        if push.apnsKeyFile != nil { return push.apnsURL ?? "https://api.push.apple.com" }
        return nil
    }

    private static func text(_ finding: Finding) -> String {
        let name = finding.name.padding(toLength: max(14, finding.name.count), withPad: " ", startingAt: 0)
        let state = finding.state.rawValue.padding(toLength: 5, withPad: " ", startingAt: 0)
        return "\(state) \(name) \(finding.detail)" + (finding.fix.map { "\n      \($0)" } ?? "")
    }

    private static func line(_ finding: Finding) -> String {
        var line: [UInt8] = Array(#"{"name":"#.utf8)
        line.appendJSONString(finding.name)
        line.append(literal: #","state":""#)
        line.append(contentsOf: finding.state.rawValue.utf8)
        line.append(literal: #"","detail":"#)
        line.appendJSONString(finding.detail)
        if let fix = finding.fix {
            line.append(literal: #","fix":"#)
            line.appendJSONString(fix)
        }
        line.append(UInt8(ascii: "}"))
        return String(decoding: line, as: UTF8.self)
    }
}
