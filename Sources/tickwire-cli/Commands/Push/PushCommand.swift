import ArgumentParser
import Foundation
import HTTPClient
import Ingest
import Market
import Notifications
import Tickwire

/// `tickwire push`: keys and credentials of push services.
struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Make and check the keys of push services, and try them out.",
        discussion: """
            EXAMPLES
              tickwire push vapid      make the key that browsers subscribe with
              tickwire push check      can every credential of the settings be used?
              tickwire push test 3     send a notification to a device
            """,
        subcommands: [PushVAPIDCommand.self, PushCheckCommand.self, PushTestCommand.self]
    )
}

/// `tickwire push vapid`.
struct PushVAPIDCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vapid", abstract: "Make the key pair for Web Push, and print the public key.",
        discussion: """
            The private key stays in vapid.pem of the data directory, or where push.vapid.keyFile says, readable for its owner
            only. Browsers subscribe with the public key: applicationServerKey. Whoever subscribed with an earlier one has to
            subscribe again, so an existing key is not replaced without --force; it then stays beside as vapid.pem.previous.

            EXAMPLES
              tickwire push vapid
              tickwire push vapid --show
              KEY=$(tickwire push vapid --json | jq -r .publicKey)
            """
    )

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Print the public key of the existing pair.")
    var show = false
    @Flag(help: "Replace an existing pair: all browsers have to subscribe again.")
    var force = false
    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if self.show, self.force { throw ValidationError("--show and --force exclude each other.") }
    }

    func run() async throws {
        let settings = try await self.options.load()
        let file = PushCredentials.vapidFile(settings)
        if self.show {
            guard let key = try PushCredentials(settings).vapid else {
                throw CommandError.noInput("There is no key at \(file). Make one with: tickwire push vapid")
            }
            return self.print(key, file: file, isNew: false)
        }
        let key = VAPIDKey()
        guard try VAPIDKeyFile.write(key, to: file, replacing: self.force) else {
            throw CommandError.cannotCreate(
                "\(file) exists. --show prints its public key; --force replaces it, and all browsers have to subscribe again."
            )
        }
        self.print(key, file: file, isNew: true)
        if settings.push.vapidSubject == nil {
            Terminal.note("Next: set push.vapid.subject to mailto: and your address, or an https URL")
        }
    }

    private func print(_ key: VAPIDKey, file: String, isNew: Bool) {
        guard self.json else {
            Terminal.print(key.publicKey)
            if isNew { Terminal.note("The private key is in \(file)") }
            return
        }
        var line: [UInt8] = Array(#"{"publicKey":"#.utf8)
        line.appendJSONString(key.publicKey)
        line.append(literal: #","file":"#)
        line.appendJSONString(file)
        line.append(literal: #","created":"#)
        line.append(contentsOf: "\(isNew)}".utf8)
        Terminal.print(String(decoding: line, as: UTF8.self))
    }
}

/// `tickwire push check`.
struct PushCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the credentials of push services.",
        discussion: """
            Reads every key file that the settings name, and says what it is; prints no secret. With --clock it asks a server for the
            time, because tokens of a wrong clock are refused. Ends with 78 if a credential cannot be used.

            EXAMPLES
              tickwire push check
              tickwire push check --clock https://fcm.googleapis.com/
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: ArgumentHelp("Compare this machine's clock with a server's.", valueName: "url"))
    var clock: String?
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        var checks = PushCheck.all(settings)
        if let clock = self.clock { checks.append(try await Self.clock(clock)) }
        for check in checks {
            guard self.json else {
                Terminal.print(
                    "\(check.name.padding(toLength: 6, withPad: " ", startingAt: 0)) \(check.state.rawValue)")
                Terminal.print("       \(check.detail)")
                continue
            }
            var line: [UInt8] = Array(#"{"name":"\#(check.name)","state":"\#(check.state.rawValue)","detail":"#.utf8)
            line.appendJSONString(check.detail)
            line.append(UInt8(ascii: "}"))
            Terminal.print(String(decoding: line, as: UTF8.self))
        }
        if checks.contains(where: { $0.state == .bad }) { throw ExitCode(78) }
    }

    private static func clock(_ url: String) async throws -> PushCheck {
        let client = HTTPClient(version: TickwireVersion.current)
        do {
            let response = try await client.execute(HTTPRequest(method: "HEAD", url: url, timeout: .seconds(10)))
            await client.shutdown()
            return PushCheck.clock(response.headers.first { $0.name.lowercased() == "date" }?.value, now: .now)
        } catch {
            await client.shutdown()
            throw error
        }
    }
}
