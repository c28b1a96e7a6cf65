import Foundation
import HTTPTypes
import Market
import Notifications
import Store

/// What a client says of a device: one of `webPush`, `apns`, `fcm` and `liveActivity`.
struct DeviceRequestBody {
    private struct Body: Decodable {
        struct Subscription: Decodable {
            struct Keys: Decodable { let p256dh: String, auth: String }
            let endpoint: String
            let keys: Keys
        }
        struct Apple: Decodable {
            let token: String
            let topic: String
            let environment: String?
        }
        struct Android: Decodable { let token: String }
        struct Activity: Decodable {
            let token: String
            let topic: String
            let environment: String?
            let symbol: String?
            let symbols: [String]?
            let attributesType: String?
        }
        let webPush: Subscription?
        let apns: Apple?
        let fcm: Android?
        let liveActivity: Activity?
        let locale: String?
    }

    let target: PushTarget
    let locale: String?
    /// What a Live Activity's token is for.
    private(set) var wish: LiveStore.Wish?

    private static let expected =
        """
        Send one of webPush (a PushSubscription), apns ({token, topic, environment}), fcm ({token}) and liveActivity \
        ({token, topic, environment, symbol}), and a locale
        """

    /// Checks what a client sent.
    ///
    /// - Parameters:
    ///   - bytes: The body.
    ///   - rules: Where browsers' subscriptions may point.
    ///   - live: Whose prices may be shown.
    /// - Throws: ``AlertAPIError`` that says what is wrong.
    init(_ bytes: [UInt8], rules: WebPushEndpointRules, live: LivePriceSettings) throws {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(bytes)) else {
            throw AlertAPIError(status: .badRequest, reason: "The body is no device. \(Self.expected).")
        }
        self.locale = body.locale.map { String($0.prefix(35)) }
        do {
            switch (body.webPush, body.apns, body.fcm, body.liveActivity) {
            case (let subscription?, nil, nil, nil):
                self.target = .webPush(
                    try WebPushSubscription(
                        endpoint: subscription.endpoint, p256dh: subscription.keys.p256dh,
                        auth: subscription.keys.auth, rules: rules))
            case (nil, let apple?, nil, nil):
                self.target = .apns(try Self.device(apple.token, apple.topic, apple.environment, member: "apns"))
            case (nil, nil, let android?, nil):
                let recipient = FCMRecipient(android.token)
                _ = try FCMBuilder(recipient: recipient, projectID: "", accessToken: PushSecret(""), topicKey: [])
                self.target = .fcm(recipient)
            case (nil, nil, nil, let activity?):
                self.target = .liveActivity(
                    try Self.device(activity.token, activity.topic, activity.environment, member: "liveActivity"))
                self.wish = try Self.wish(activity, live: live)
            default: throw AlertAPIError(status: .badRequest, reason: "The body is no device. \(Self.expected).")
            }
        } catch let error as PushError {
            throw AlertAPIError(status: .unprocessableContent, reason: error.description)
        }
    }

    private static func device(
        _ token: String, _ topic: String, _ environment: String?, member: String
    ) throws -> APNsDevice {
        guard let environment = APNsEnvironment(rawValue: environment ?? "production") else {
            throw AlertAPIError(
                status: .unprocessableContent, reason: "environment is production or sandbox", member: member)
        }
        let device = APNsDevice(token: token, topic: topic, environment: environment)
        _ = try APNsBuilder(device: device, providerToken: PushSecret(""))
        return device
    }

    /// An update token names one symbol; a push-to-start token names the type that it begins, and symbols.
    private static func wish(_ activity: Body.Activity, live: LivePriceSettings) throws -> LiveStore.Wish {
        func refuse(_ reason: String) -> AlertAPIError {
            AlertAPIError(status: .unprocessableContent, reason: reason, member: "liveActivity")
        }
        guard let allowed = live.symbols else {
            throw refuse("Live prices are not set up here: push.live.symbols is not set")
        }
        let symbols = try (activity.symbols ?? activity.symbol.map { [$0] } ?? []).map { try Symbol($0) }
        if let other = symbols.first(where: { !allowed.contains($0) }) {
            throw refuse("Live prices of \(other) are not sent here; push.live.symbols lists those that are")
        }
        guard let type = activity.attributesType else {
            guard symbols.count == 1, let symbol = symbols.first else {
                throw refuse("An update token shows one symbol: send symbol, for example BTC-USD")
            }
            return .update(symbol)
        }
        guard (1...128).contains(type.utf8.count), type.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw refuse("attributesType is the name of the app's ActivityAttributes type, 1 to 128 bytes")
        }
        guard (1...LiveStore.startsMax).contains(Set(symbols).count) else {
            throw refuse("A push-to-start token takes 1 to \(LiveStore.startsMax) symbols")
        }
        return .start(attributesType: type, symbols: symbols)
    }
}
