public import Market
public import Notifications
import Store
import Synchronization

/// Sends live prices over the connections, tokens and lanes of APNs that deliveries take.
///
/// Nothing is stored and nothing repeated later: a price that is late is worthless. Each app and environment has a breaker of
/// its own, as a lane of deliveries does.
public final class LivePriceSender: Sendable {
    private let sender: PushSender
    private let breakers = Mutex<[String: Breaker]>([:])

    /// Sends through `sender`, which somebody runs.
    public init(_ sender: PushSender) { self.sender = sender }

    /// Whether there is a key for APNs.
    public var hasCredential: Bool { self.sender.services.apns != nil }

    // MARK: Pushes

    /// Sends to everybody whose activity listens to a channel.
    ///
    /// - Parameters:
    ///   - push: An update or the end.
    ///   - channel: The channel, which stores nothing.
    ///   - eventID: Of this push alone.
    /// - Returns: What became of it.
    public func broadcast(
        _ push: LiveActivityPush, to channel: APNsChannel, eventID: String
    ) async -> LivePriceOutcome {
        await self.send(
            target: .apnsChannel(channel), lane: Self.lane(channel.topic, channel.environment),
            environment: channel.environment, hasSucceededBefore: true
        ) { environment, token throws(PushError) in
            try self.requests(channel.topic, environment, token)
                .send(push, to: channel.id, storage: .none, expiresAt: self.sender.now(), eventID: eventID)
        }
    }

    /// Sends to one activity, or begins one.
    ///
    /// - Parameters:
    ///   - push: What changes.
    ///   - device: The update or push-to-start token.
    ///   - hasSucceededBefore: Whether the token has ever worked: if not, it may be one of the other environment.
    ///   - expiresAt: After which it need not arrive.
    ///   - eventID: Of this push alone.
    /// - Returns: What became of it.
    public func send(
        _ push: LiveActivityPush, to device: APNsDevice, hasSucceededBefore: Bool, expiresAt: Timestamp,
        eventID: String
    ) async -> LivePriceOutcome {
        await self.send(
            target: .liveActivity(device), lane: Self.lane(device.topic, device.environment),
            environment: device.environment, hasSucceededBefore: hasSucceededBefore
        ) { environment, token throws(PushError) in
            var device = device
            device.environment = environment
            let servers = self.sender.services.apns?.servers(environment)
            return try APNsBuilder(device: device, providerToken: token, servers: servers)
                .liveActivity(push, eventID: eventID, expiresAt: expiresAt)
        }
    }

    private func send(
        target: PushTarget, lane: String, environment: APNsEnvironment, hasSucceededBefore: Bool,
        _ build: (APNsEnvironment, PushSecret) throws(PushError) -> PushRequest
    ) async -> LivePriceOutcome {
        if let reason = self.heldReason(lane) { return .held(reason: reason) }
        // The remedies of a delivery's attempts, but nothing that waits.
        var attempt = DeliveryAttempt()
        while true {
            let options = attempt.options
            let environment = options.isAtOtherEnvironment ? environment.other : environment
            let result: SendingResult
            do {
                guard let transport = self.sender.apnsTransports[environment] else {
                    return .missed(reason: "there is no connection to APNs' \(environment.rawValue)")
                }
                let (request, issuedAt) = try await self.request(options) { token throws(PushError) in
                    try build(environment, token)
                }
                if options.needsNewConnection { transport.renew() }
                switch await transport.send(request) {
                case .interrupted: return self.interrupted(lane)
                case .impossible(let reason): result = SendingResult(.abandon(reason: reason), reason: reason)
                case .came(let outcome, let reason):
                    let circumstances = PushAttempt(
                        now: self.sender.now(), extent: request.extent, hasSucceededBefore: hasSucceededBefore,
                        hasTriedOtherEnvironment: options.isAtOtherEnvironment,
                        hasRefreshedCredential: options.hasRefreshedCredential, credentialAge: self.age(issuedAt))
                    result = SendingResult(
                        target.verdict(outcome, circumstances), status: outcome.status, reason: reason)
                }
            } catch {
                guard let refusal = Self.refusal(error) else { return self.interrupted(lane) }
                result = refusal
            }
            guard let verdict = result.verdict else { return self.interrupted(lane) }
            switch attempt.received(verdict, isOverdue: false) {
            case .send: self.change(lane) { _ = $0.answered() }
            case .finish(let ending): return self.outcome(ending, result, lane)
            }
        }
    }

    private func outcome(
        _ ending: DeliveryAttempt.Ending, _ result: SendingResult, _ lane: String
    ) -> LivePriceOutcome {
        let random = UInt64.random(in: 0...UInt64.max)
        switch ending {
        case .delivered(_, let isAtOtherEnvironment):
            self.change(lane) { _ = $0.answered() }
            return .taken(isAtOtherEnvironment: isAtOtherEnvironment)
        case .drop(let time, let reason):
            self.change(lane) { _ = $0.answered() }
            return .gone(unlessRegisteredAfter: time, reason: reason)
        case .suspend(let reason):
            self.change(lane) { _ = $0.suspended(reason, now: .now, random: random) }
            return .held(reason: reason)
        case .retry:
            if let status = result.status, status < 500 {
                self.change(lane) { _ = $0.answered() }
            } else {
                self.change(lane) { _ = $0.failed(result.reason, now: .now, random: random) }
            }
            return .missed(reason: result.reason)
        case .abandon(let reason): return .missed(reason: reason)
        }
    }

    private func interrupted(_ lane: String) -> LivePriceOutcome {
        self.change(lane) { $0.releasedProbe(now: .now) }
        return .interrupted
    }

    private func heldReason(_ lane: String) -> String? {
        self.breakers.withLock { breakers in
            var breaker = breakers[lane, default: Breaker()]
            defer { breakers[lane] = breaker }
            guard breaker.allowance(room: 1, now: .now) > 0 else { return breaker.reason ?? "the lane is held back" }
            breaker.began(1, now: .now)
            return nil
        }
    }

    private func change(_ lane: String, _ body: (inout Breaker) -> Void) {
        self.breakers.withLock { body(&$0[lane, default: Breaker()]) }
    }

    // MARK: Channels

    /// Makes a channel that stores nothing.
    ///
    /// - Returns: Its id.
    /// - Throws: ``LiveChannelError``.
    public func createChannel(topic: String, environment: APNsEnvironment) async throws -> String {
        let id = "\(topic)|\(UInt64.random(in: 0...UInt64.max))"
        let response = try await self.manage(topic, environment) { requests throws(PushError) in
            requests.create(storage: .none, requestID: id)
        }
        if response.status != 201, Self.reason(response) == "CannotCreateChannelConfig" {
            throw LiveChannelError.quotaReached
        }
        return try APNsChannelRequests.createdID(response)
    }

    /// Removes a channel; one that is not there is removed already.
    public func deleteChannel(_ id: String, topic: String, environment: APNsEnvironment) async throws {
        let response = try await self.manage(topic, environment) { requests throws(PushError) in
            try requests.delete(id, requestID: "delete|\(id)")
        }
        if !(200...299).contains(response.status), Self.reason(response) != "ChannelNotRegistered" {
            throw LiveChannelError.failed("HTTP \(response.status) \(Self.reason(response))")
        }
    }

    /// The ids of the app's channels, whoever made them.
    public func listChannels(topic: String, environment: APNsEnvironment) async throws -> Set<String> {
        let id = "list|\(UInt64.random(in: 0...UInt64.max))"
        let response = try await self.manage(topic, environment) { requests throws(PushError) in
            requests.list(requestID: id)
        }
        return Set(try APNsChannelRequests.listedIDs(response))
    }

    private func manage(
        _ topic: String, _ environment: APNsEnvironment,
        _ build: (APNsChannelRequests) throws(PushError) -> PushRequest
    ) async throws -> PushResponse {
        guard let transport = self.sender.channelTransports[environment] else {
            throw LiveChannelError.failed("there is no connection to APNs' \(environment.rawValue)")
        }
        let (request, _) = try await self.request(SendingOptions()) { token throws(PushError) in
            try build(try self.requests(topic, environment, token))
        }
        switch await transport.send(request) {
        case .interrupted: throw CancellationError()
        case .impossible(let reason): throw LiveChannelError.failed(reason)
        case .came(.failed, let reason): throw LiveChannelError.failed(reason)
        case .came(.answered(let response), _): return response
        }
    }

    // MARK: Parts

    private func requests(
        _ topic: String, _ environment: APNsEnvironment, _ token: PushSecret
    ) throws(PushError) -> APNsChannelRequests {
        try APNsChannelRequests(
            topic: topic, environment: environment, providerToken: token,
            servers: self.sender.services.apns?.servers(environment))
    }

    private func request(
        _ options: SendingOptions, _ build: (PushSecret) throws(PushError) -> PushRequest
    ) async throws -> (PushRequest, issuedAt: Timestamp) {
        var token = try await self.sender.apnsTokens.token()
        if options.needsFreshCredential { token = try await self.sender.apnsTokens.token(butNot: token.exposed) }
        return (try build(PushSecret(token.exposed)), token.issuedAt)
    }

    private func age(_ issuedAt: Timestamp) -> Duration {
        .nanoseconds(self.sender.now().nanoseconds - issuedAt.nanoseconds)
    }

    /// What an error on the way to a request means; `nil` when it was interrupted.
    private static func refusal(_ error: any Error) -> SendingResult? {
        switch error {
        case let refusal as PushSender.Refusal: return SendingResult(refusal.verdict, reason: refusal.reason)
        case let error as PushError:
            return SendingResult(.abandon(reason: error.description), reason: error.description)
        default: return Task.isCancelled ? nil : SendingResult(.retry(after: nil), reason: "\(error)")
        }
    }

    private static func lane(_ topic: String, _ environment: APNsEnvironment) -> String {
        "apns:\(environment.rawValue):\(topic)"
    }

    private static func reason(_ response: PushResponse) -> String {
        APNsReason.name(response) ?? "without a reason"
    }
}

extension PushOutcome {
    /// The HTTP status, if there was an answer.
    fileprivate var status: Int? {
        if case .answered(let response) = self { response.status } else { nil }
    }
}
