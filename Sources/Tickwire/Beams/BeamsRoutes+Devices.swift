import Beams
import Channels
import Foundation
import Gateway
import Hummingbird
import Notifications
import Store
import Synchronization

/// What devices ask for.
extension BeamsRoutes {
    func register(_ platform: BeamsPlatform, _ request: Request) async throws -> JSONValue {
        if let client = ClientAddress.current {
            guard self.addressRegistrations.withLock({ $0.take(client, now: .now) }) else {
                throw BeamsError.tooManyRequests("Too many devices register from your address. Try again in a moment.")
            }
        }
        guard self.registrations.withLock({ $0.take(now: .now) }) else {
            throw BeamsError.tooManyRequests("Too many devices register at once. Try again in a moment.")
        }
        let body = try await self.body(request, max: DeviceRegistration.bodyBytesMax)
        let registration = try DeviceRegistration(parsing: body, platform: platform, rules: self.endpoints)
        let id = "\(platform.rawValue)-\(UUID().uuidString.lowercased())"
        let interests = try await self.store.register(
            id: id, platform: platform.rawValue, target: self.target(registration.address),
            metadata: Self.json(registration.metadata), previousIDs: registration.previousIDs)
        return .object(["id": .string(id), "initialInterestSet": .array(interests.map(JSONValue.string))])
    }

    func target(_ address: DeviceRegistration.Address) -> PushTarget {
        switch address {
        case .web(var subscription):
            subscription.beamsInstance = self.instance.id
            return .webPush(subscription)
        case .apns(let token, let bundleID):
            return .apns(APNsDevice(token: token, topic: bundleID, environment: self.apnsEnvironment))
        case .fcm(let token): return .fcm(FCMRecipient(token))
        }
    }

    func known(_ device: BeamsDevice) async throws -> BeamsDeviceRecord {
        guard let known = try await self.store.device(id: device.id, platform: device.platform.rawValue) else {
            throw BeamsError.unknownDevice(device.id)
        }
        return known
    }

    func interests(_ device: BeamsDevice, _ limit: Int, _ cursor: String?) async throws -> JSONValue {
        _ = try await self.known(device)
        let names = try await self.store.interests(of: device.id, after: cursor ?? "", limit: limit + 1)
        var metadata: [String: JSONValue] = [:]
        if names.count > limit { metadata["cursor"] = .string(names[limit - 1]) }
        return .object([
            "interests": .array(names.prefix(limit).map(JSONValue.string)), "responseMetadata": .object(metadata),
        ])
    }

    /// Subscribes a device, after what is private among the new interests has been allowed.
    func subscribe(
        _ device: BeamsDevice, _ names: [InterestName], _ authorization: String?,
        _ store: ([InterestName]) async throws -> Void
    ) async throws {
        let known = try await self.known(device)
        let closed = names.filter(\.isPrivate)
        if !closed.isEmpty {
            let missing = Set(try await self.store.missing(closed.map(\.text), of: device.id))
            try InterestSet.check(
                closed.filter { missing.contains($0.text) }, instance: self.instance, authorization: authorization,
                user: known.user, now: self.seconds)
        }
        try await store(names)
    }

    func setUser(_ device: BeamsDevice, _ authorization: String?) async throws {
        let text = try ServedInstance.bearer(authorization)
        let token = try BeamsToken(checking: text, instance: self.instance, now: self.seconds)
        _ = try await self.known(device)
        let user = token.userID.text
        switch try await self.store.setUser(user, id: device.id, platform: device.platform.rawValue) {
        case .bound: return
        case .otherUser: throw BeamsError.otherUser(device: device.id)
        case .tooMany: throw BeamsError.tooManyDevices(user: user, limit: BeamsStore.devicesPerUserMax)
        }
    }
}
