import ArgumentParser
import Foundation
import Notifications
import Store
import Tickwire

/// `tickwire devices add`.
struct DevicesAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Register a device of a user, for servers and for tests.",
        discussion: """
            A token that was another user's becomes this user's. Options take '-' to read the text from standard input, so that
            secrets do not show in the list of processes.

            EXAMPLES
              tickwire devices add ann --apns 9f31…c2 --topic com.example.prices --sandbox
              tickwire devices add ann --fcm dK3…
              tickwire devices add ann --web-push subscription.json
              tickwire devices add ann --ntfy https://ntfy.sh/my-topic
              tickwire devices add ann --slack https://hooks.slack.com/services/…
              tickwire devices add ann --telegram 123456:ABC…@987654
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "Whose it is.")
    var user: String
    @Option(help: ArgumentHelp("An APNs device token in hexadecimal digits.", valueName: "token"))
    var apns: String?
    @Option(help: ArgumentHelp("The app's bundle id; default: the setting push.apnsTopic.", valueName: "bundle"))
    var topic: String?
    @Flag(help: "The APNs token is of an app run from Xcode.")
    var sandbox = false
    @Option(help: ArgumentHelp("An FCM registration token.", valueName: "token"))
    var fcm: String?
    @Option(help: ArgumentHelp("A file with a browser's PushSubscription in JSON.", valueName: "file"))
    var webPush: String?
    @Option(help: ArgumentHelp("A Standard Webhooks receiver; its secret goes into --secret.", valueName: "url"))
    var webhook: String?
    @Option(help: ArgumentHelp("The webhook's secret, whsec_…, or an ntfy access token.", valueName: "secret"))
    var secret: String?
    @Option(help: ArgumentHelp("An ntfy topic.", valueName: "url"))
    var ntfy: String?
    @Option(help: ArgumentHelp("A Slack incoming webhook.", valueName: "url"))
    var slack: String?
    @Option(help: ArgumentHelp("A Discord webhook.", valueName: "url"))
    var discord: String?
    @Option(help: ArgumentHelp("A Telegram bot's token, '@' and the chat.", valueName: "token@chat"))
    var telegram: String?
    @Option(help: ArgumentHelp("A user of hosted Pusher Beams.", valueName: "user"))
    var beamsUser: String?
    @Option(help: ArgumentHelp("The device's language, such as de-AT.", valueName: "language"))
    var locale: String?
    @Flag(help: "Print the device as one JSON object.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let target = try self.target(settings)
        let device = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await DeviceStore(client: client).register(target, user: self.user, locale: self.locale)
        }
        if self.json { return Terminal.print(DeviceLine.json(device)) }
        Terminal.print(
            "Device \(device.id) of \(device.user): \(device.service.rawValue) \(DeviceLine.target(device.target))"
        )
        Terminal.note("Next: tickwire push test \(device.id)")
    }

    private func target(_ settings: Settings) throws -> PushTarget {
        let given: [(String, String?)] = [
            ("--apns", self.apns), ("--fcm", self.fcm), ("--web-push", self.webPush), ("--webhook", self.webhook),
            ("--ntfy", self.ntfy), ("--slack", self.slack), ("--discord", self.discord), ("--telegram", self.telegram),
            ("--beams-user", self.beamsUser),
        ]
        let chosen = given.compactMap { name, value in value.map { (name, $0) } }
        guard let (name, text) = chosen.first, chosen.count == 1 else {
            throw CommandError.usage("Give one of \(given.map(\.0).joined(separator: ", ")).")
        }
        let value = try text == "-" ? Self.standardInput() : text
        switch name {
        case "--apns":
            let device = APNsDevice(
                token: value, topic: self.topic ?? settings.apnsTopic,
                environment: self.sandbox ? .sandbox : .production)
            _ = try APNsBuilder(device: device, providerToken: PushSecret(""))
            return .apns(device)
        case "--fcm":
            let recipient = FCMRecipient(value)
            _ = try FCMBuilder(recipient: recipient, projectID: "", accessToken: PushSecret(""), topicKey: [])
            return .fcm(recipient)
        case "--web-push": return .webPush(try Self.subscription(value, file: text, rules: settings.webPushRules))
        case "--webhook":
            let webhook = WebhookTarget(url: value, secrets: [try WebhookSecret(self.secret ?? "")])
            _ = try WebhookBuilder(webhook)
            return .webhook(webhook)
        case "--ntfy":
            guard let slash = value.lastIndex(of: "/") else {
                throw CommandError.usage("--ntfy takes https://HOST/TOPIC.")
            }
            let topic = NtfyTopic(
                server: String(value[..<slash]), topic: String(value[value.index(after: slash)...]),
                token: self.secret.map { PushSecret($0) })
            _ = try NtfyBuilder(topic)
            return .ntfy(topic)
        case "--slack":
            let webhook = SlackWebhook(url: PushSecret(value))
            _ = try SlackBuilder(webhook)
            return .slack(webhook)
        case "--discord":
            let webhook = DiscordWebhook(url: PushSecret(value))
            _ = try DiscordBuilder(webhook)
            return .discord(webhook)
        case "--telegram":
            guard let sign = value.firstIndex(of: "@") else {
                throw CommandError.usage("--telegram takes TOKEN@CHAT, for example 123456:ABC@987654.")
            }
            let chat = TelegramChat(
                botToken: PushSecret(String(value[..<sign])), chatID: String(value[value.index(after: sign)...]))
            _ = try TelegramBuilder(chat)
            return .telegram(chat)
        default:
            let audience = BeamsAudience.users([value])
            try audience.check()
            return .beams(audience)
        }
    }

    private static func standardInput() throws -> String {
        guard let line = readLine(strippingNewline: true), !line.isEmpty else {
            throw CommandError.noInput("Standard input is empty: write the token or URL in one line.")
        }
        return line
    }

    /// Reads `PushSubscription.toJSON()` of a browser.
    private static func subscription(
        _ value: String, file: String, rules: WebPushEndpointRules
    ) throws -> WebPushSubscription {
        if file == "-" { return try WebPushSubscription(json: Array(value.utf8), rules: rules) }
        guard let contents = FileManager.default.contents(atPath: file) else {
            throw CommandError.noInput("'\(file)' cannot be read. Name a file with a PushSubscription in JSON.")
        }
        return try WebPushSubscription(json: Array(contents), rules: rules)
    }
}
