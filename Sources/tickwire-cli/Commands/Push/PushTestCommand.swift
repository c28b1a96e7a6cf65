import ArgumentParser
import Delivery
import Foundation
import HTTPClient
import Ingest
import Market
import Notifications
import Postgres
import Store
import Tickwire

/// `tickwire push test`.
struct PushTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send a real notification to a device, and say what its service answers.",
        discussion: """
            It goes the way of every other notification, with the same remedies; quiet hours and budgets do not hold it back.

            EXAMPLES
              tickwire push test 3
              tickwire push test 3 --title Hello --body "It works"
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The device's number, as 'devices list' shows it.")
    var device: Int64
    @Option(help: "The first line.")
    var title = "Tickwire"
    @Option(help: "The text.")
    var body = "This is a test notification."

    func run() async throws {
        let settings = try await self.options.load()
        let logger = self.options.quietLogger(settings)
        let secret = try WebhookSecretFile.loadOrCreate(in: settings.dataDirectory)
        let isTaken = try await Database.with(settings, logger: logger) { client in
            let http = HTTPClient(version: TickwireVersion.current)
            let assembly = DeliveryAssembly(
                settings: settings, client: client, httpClient: http, secret: secret, logger: logger)
            let sender = try assembly.sender()
            let isTaken: Bool
            do {
                isTaken = try await self.send(client, assembly, sender)
            } catch {
                await sender.shutdown()
                await http.shutdown()
                throw error
            }
            await sender.shutdown()
            await http.shutdown()
            return isTaken
        }
        if !isTaken { throw CommandError.unavailable("The notification was not taken.") }
    }

    private func send(
        _ client: PostgresClient, _ assembly: DeliveryAssembly, _ sender: PushSender
    ) async throws -> Bool {
        let device = try await DeviceStore(client: client).device(id: self.device)
        let now = Timestamp.now
        let event = "test-\(UUID().uuidString.lowercased())"
        let content = PushContent(
            eventID: event, title: self.title, body: self.body, threadID: "test", collapseID: event, createdAt: now,
            expiresAt: now.advanced(byNanoseconds: 300_000_000_000))
        let settings = assembly.deliverySettings
        guard
            let delivery = try await Outbox(client: client).enqueueClaimed(
                content, device: device, lease: settings.lease)
        else { return false }
        Terminal.note(
            "Delivery \(delivery.id) to \(device.service.rawValue) \(DeviceLine.target(device.target))")
        let probe = DeliveryProbe(
            queue: assembly.queue, sender: sender, settings: settings, now: { Timestamp.now },
            logger: self.options.quietLogger(try await self.options.load()))
        let results = await probe.send(delivery)
        var isTaken = false
        for result in results {
            Terminal.print(result.reason)
            if let verdict = result.verdict {
                Terminal.print("  \(Self.meaning(verdict))")
                if case .delivered = verdict { isTaken = true }
            }
        }
        return isTaken
    }

    /// What a verdict means, for people.
    private static func meaning(_ verdict: PushVerdict) -> String {
        switch verdict {
        case .delivered(let id): "taken by the service" + (id.map { " as \($0)" } ?? "")
        case .retry(let after): "a worker tries again" + (after.map { ", not before \($0) have passed" } ?? "")
        case .retryOnNewConnection: "sent again over a new connection"
        case .refreshCredential: "sent again with a new token"
        case .shrink: "sent again in a shorter form"
        case .dropTarget(_, let reason): "nobody is there any more, the device is switched off: \(reason)"
        case .tryOtherEnvironment: "sent again to Apple's other environment"
        case .suspendCredential(let reason): "the credential is refused, nothing sent with it can work: \(reason)"
        case .abandon(let reason): "it can never work: \(reason)"
        }
    }
}
