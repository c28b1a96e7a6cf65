import Beams
import Channels
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Market
import Notifications
import Store
import Synchronization

/// What servers publish, and who is told what becomes of it.
extension BeamsRoutes {
    /// Checks the secret key, that the body says it is JSON, and that there are not too many.
    func checkPublisher(_ request: Request) throws {
        try self.instance.checkServer(authorization: request.headers[.authorization])
        if let type = request.headers[.contentType], !type.lowercased().hasPrefix("application/json") {
            throw BeamsError(
                status: 400, error: "Bad request",
                description: "Content-Type is '\(type.prefix(60))': send application/json.")
        }
        guard self.publishes.withLock({ $0.take(now: .now) }) else {
            throw BeamsError.tooManyRequests(
                "More than \(Self.publishesPerSecond) publications a second. Try again in a moment.")
        }
    }

    func publish(_ publication: Publication, _ request: [UInt8]) async throws -> JSONValue {
        let id = "pubid-\(UUID().uuidString.lowercased())"
        let contents = BeamsContents(publication, publishID: id, instance: self.instance.id, now: self.now()).byPlatform
        var receivers = BeamsReceivers(webhooks: self.webhooks)
        if let url = publication.webhookURL, !receivers.webhooks.contains(url) { receivers.webhooks.append(url) }
        let audience: BeamsStore.Audience
        switch publication.audience {
        case .interests(let names):
            audience = .interests(names.map(\.text))
            if let url = publication.webhookURL {
                let started = try BeamsPublishHook.started(publishID: id, request: request)
                receivers.own = BeamsReceivers.Own(url: url, request: request, started: started)
            }
        case .users(let users): audience = .users(users.map(\.text))
        }
        let count = try await self.store.publish(id: id, to: audience, contents: contents, receivers: receivers)
        self.logger.debug("Published", metadata: ["publish.id": "\(id)", "publish.devices": "\(count)"])
        return .object(["publishId": .string(id)])
    }

    /// Notes what a device tells; whose device it is counts, not whose it says it is.
    func report(_ report: DeviceReport) async throws {
        let time = self.now()
        try await self.store.report(
            report.event.rawValue, publishID: report.publishID, device: report.deviceID
        ) { [instance] user in
            let event: BeamsWebhookEvent =
                switch report.event {
                case .delivery: .acknowledgement(publishID: report.publishID, user: user)
                case .open: .open(publishID: report.publishID, user: user)
                }
            return Self.message(event, instance: instance.id, now: time)
        }
    }

    // MARK: Outcomes

    /// Tells the outcomes of publications and forgets old ones, until it is cancelled.
    func run() async {
        var looks = 0
        while !Task.isCancelled {
            do {
                // An hour: 3600 looks.
                if looks.isMultiple(of: 3_600) { try await self.store.forgetOld() }
                looks += 1
                let time = self.now()
                let count = try await self.store.tellOutcomes { [instance] outcome in
                    try Self.message(outcome, instance: instance.id, now: time)
                }
                if count > 0 { continue }
            } catch {
                if !Task.isCancelled {
                    self.logger.warning("Outcomes of publications not told", metadata: ["error": "\(error)"])
                }
            }
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
    }

    private static func message(_ outcome: BeamsOutcome, instance: String, now: Timestamp) throws -> [UInt8] {
        switch outcome {
        case .users(let id, let delivered, let withoutDevices, let failed):
            let users = BeamsWebhookEvent.UsersOutcome(
                delivered: delivered, withoutDevices: withoutDevices, failed: failed)
            return Self.message(.attempt(publishID: id, outcome: users), instance: instance, now: now)
        case .interests(let id, let request, let counts):
            let counts = counts.map { count in
                BeamsPublishHook.Count(
                    platform: count.service == .webPush ? "web" : count.service.rawValue, sent: count.sent,
                    failed: count.failed)
            }
            return try BeamsPublishHook.finished(publishID: id, request: request, counts: counts)
        }
    }

    private static func message(_ event: BeamsWebhookEvent, instance: String, now: Timestamp) -> [UInt8] {
        event.body(
            instance: instance, eventID: UUID().uuidString.lowercased(),
            createdAt: now.description.prefix(19) + "+0000")
    }
}
