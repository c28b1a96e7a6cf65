import Notifications
import Store

/// Devices for people and for programs, without their secrets.
enum DeviceLine {
    static func json(_ device: Device) -> String {
        var members = [
            "\"id\":\(device.id)", "\"user\":\(JSONLine.string(device.user))",
            "\"service\":\(JSONLine.string(device.service.rawValue))",
            "\"target\":\(JSONLine.string(self.target(device.target)))", "\"createdAt\":\"\(device.createdAt)\"",
            "\"lastRegisteredAt\":\"\(device.lastRegisteredAt)\"",
        ]
        if case .apns(let apns) = device.target {
            members.append("\"topic\":\(JSONLine.string(apns.topic)),\"environment\":\"\(apns.environment.rawValue)\"")
        }
        if let time = device.lastSuccessAt { members.append("\"lastSuccessAt\":\"\(time)\"") }
        if let locale = device.locale { members.append("\"locale\":\(JSONLine.string(locale))") }
        if let reason = device.disabledReason { members.append("\"disabledReason\":\(JSONLine.string(reason))") }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// Enough to recognise it, too little to use it.
    static func target(_ target: PushTarget) -> String {
        switch target {
        case .apns(let device), .liveActivity(let device): self.ends(device.token)
        case .apnsChannel(let channel): self.ends(channel.id)
        case .fcm(let recipient): self.ends(recipient.value)
        case .webPush(let subscription): self.host(subscription.endpoint)
        case .beams(.interests(let names)), .beams(.users(let names)): names.joined(separator: ", ")
        case .webhook(let webhook): self.host(webhook.url)
        case .ntfy(let topic): "\(topic.server)/\(self.ends(topic.topic))"
        case .slack(let webhook): self.host(webhook.url.exposed)
        case .discord(let webhook): self.host(webhook.url.exposed)
        case .telegram(let chat): "chat \(chat.chatID)"
        }
    }

    private static func ends(_ text: String) -> String {
        text.count < 12 ? "…" : "\(text.prefix(4))…\(text.suffix(4))"
    }

    private static func host(_ url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 2)
        return parts.count < 2 ? "…" : "\(parts[0])//\(parts[1].split(separator: "/")[0])/…"
    }
}
