import Channels
import Foundation
import Market
import Yams

/// Reads the lists `apps` and `app.webhooks` of the settings file, which are too deep for single keys.
struct AppListReader {
    /// What an app has.
    private static let appKeys = [
        "id", "keys", "enabled", "tlsOnly", "connectionsMax", "clientEvents", "subscriptionCounts",
        "encryptionMasterKey",
        "webhooks",
    ]
    /// What a webhook has.
    private static let webhookKeys = ["url", "events", "prefix", "batched"]

    /// The settings file, for messages.
    let file: String

    /// The apps of the list `apps`, without regard to one another.
    func apps(_ node: Node) throws(SetupError) -> [AppSettings] {
        var apps: [AppSettings] = []
        for (index, item) in try self.items(node, of: "apps").enumerated() {
            apps.append(try self.app(item, path: "apps[\(index)]"))
        }
        return apps
    }

    /// The endpoints of a list of webhooks.
    func webhooks(_ node: Node, path: String) throws(SetupError) -> [WebhookEndpoint] {
        var endpoints: [WebhookEndpoint] = []
        for (index, item) in try self.items(node, of: path).enumerated() {
            endpoints.append(try self.webhook(item, path: "\(path)[\(index)]"))
        }
        return endpoints
    }

    /// An endpoint's URL, checked.
    static func url(_ text: String, setting: String) throws(SetupError) -> String {
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme?.lowercased() ?? ""),
            url.host()?.isEmpty == false
        else {
            // Of a URL, which may hold a password or a token, no more than its scheme.
            let value = text.range(of: "://").map { String(text[..<$0.upperBound]) + "…" } ?? "…"
            throw .badSetting(name: setting, value: value, expected: "an http or https URL with a host")
        }
        return text
    }

    private func app(_ node: Node, path: String) throws(SetupError) -> AppSettings {
        let members = try self.members(node, path: path, known: Self.appKeys)
        let id = try self.text(members, "id", path, expected: "the app's id, as in the HTTP API's paths")
        // Ids and keys stand in URLs.
        guard id.utf8.allSatisfy(Self.isAllowedInPath) else {
            throw .badSetting(name: "\(path).id", value: id, expected: "letters, digits, '-' and '_' only")
        }
        var options = App.Options()
        if let value = try self.flag(members, "enabled", path) { options.isEnabled = value }
        if let value = try self.flag(members, "tlsOnly", path) { options.requiresTLS = value }
        if let value = try self.flag(members, "clientEvents", path) { options.hasClientEvents = value }
        if let value = try self.flag(members, "subscriptionCounts", path) { options.hasSubscriptionCounts = value }
        if let node = members["connectionsMax"] {
            guard let value = node.scalar.flatMap({ Int($0.string) }), value > 0 else {
                throw self.bad(node, "\(path).connectionsMax", "a whole number from 1, or leave it out for no quota")
            }
            options.connectionsMax = value
        }
        var masterKey: [UInt8]?
        if let node = members["encryptionMasterKey"] {
            let setting = "\(path).encryptionMasterKey"
            masterKey = try AppSettings.masterKey(node.scalar?.string ?? "", setting: setting)
        }
        return AppSettings(
            app: App(id: id, credentials: try self.keys(members["keys"], path: "\(path).keys"), options: options),
            webhooks: try members["webhooks"].map { node throws(SetupError) in
                try self.webhooks(node, path: "\(path).webhooks")
            } ?? [],
            encryptionMasterKey: masterKey
        )
    }

    private func keys(_ node: Node?, path: String) throws(SetupError) -> [App.Credentials] {
        var pairs: [App.Credentials] = []
        for (index, item) in try node.map({ node throws(SetupError) in try self.items(node, of: path) })?.enumerated()
            ?? [].enumerated()
        {
            let place = "\(path)[\(index)]"
            let members = try self.members(item, path: place, known: ["key", "secret"])
            let key = try self.text(members, "key", place, expected: "a public key")
            guard key.utf8.allSatisfy(Self.isAllowedInPath) else {
                throw .badSetting(name: "\(place).key", value: key, expected: "letters, digits, '-' and '_' only")
            }
            pairs.append(
                App.Credentials(key: key, secret: try self.text(members, "secret", place, expected: "the key's secret"))
            )
        }
        guard !pairs.isEmpty else {
            throw .badSetting(name: path, value: "", expected: "at least one {key: …, secret: …}, the oldest first")
        }
        return pairs
    }

    private func webhook(_ node: Node, path: String) throws(SetupError) -> WebhookEndpoint {
        if let url = node.scalar?.string { return WebhookEndpoint(url: try Self.url(url, setting: path)) }
        let members = try self.members(node, path: path, known: Self.webhookKeys)
        let url = try self.text(members, "url", path, expected: "an http or https URL with a host")
        var endpoint = WebhookEndpoint(url: try Self.url(url, setting: "\(path).url"))
        if let node = members["events"] {
            endpoint.kinds = []
            for item in try self.items(node, of: "\(path).events") {
                guard let kind = WebhookEventKind(rawValue: item.scalar?.string ?? "") else {
                    let names = WebhookEventKind.allCases.map(\.rawValue)
                    throw self.bad(item, "\(path).events", "some of \(names.joined(separator: ", "))")
                }
                endpoint.kinds.insert(kind)
            }
        }
        if let node = members["prefix"] {
            guard let prefix = node.scalar?.string else { throw self.bad(node, "\(path).prefix", "a text") }
            endpoint.channelPrefix = prefix
        }
        if let value = try self.flag(members, "batched", path) { endpoint.isBatched = value }
        return endpoint
    }

    // MARK: Values

    private func items(_ node: Node, of path: String) throws(SetupError) -> [Node] {
        guard let sequence = node.sequence else { throw self.misplaced(node, path, "a list") }
        return Array(sequence)
    }

    private func members(_ node: Node, path: String, known: [String]) throws(SetupError) -> [String: Node] {
        guard let mapping = node.mapping else {
            throw self.misplaced(node, path, "an entry with \(known.joined(separator: ", "))")
        }
        var members: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.string ?? ""
            guard known.contains(name) else {
                let nearest = Spelling.nearest(to: name, among: known).first
                throw .unknownSetting(key: "\(path).\(name)", file: self.file, nearest: nearest)
            }
            members[name] = value
        }
        return members
    }

    private func text(
        _ members: [String: Node], _ name: String, _ path: String, expected: String
    ) throws(SetupError) -> String {
        guard let text = members[name]?.scalar?.string, !text.isEmpty else {
            throw .badSetting(name: "\(path).\(name)", value: "", expected: expected)
        }
        return text
    }

    private func flag(_ members: [String: Node], _ name: String, _ path: String) throws(SetupError) -> Bool? {
        guard let node = members[name] else { return nil }
        switch node.scalar?.string.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw self.bad(node, "\(path).\(name)", "true or false")
        }
    }

    /// What stands where a list or an entry must; not repeated, as it may be a secret or a URL.
    private func misplaced(_ node: Node, _ path: String, _ expected: String) -> SetupError {
        let kind = node.scalar != nil ? "a single value" : node.sequence == nil ? "an entry" : "a list"
        return .badSetting(name: path, value: kind, expected: expected)
    }

    /// A value that is no secret is not what it must be.
    private func bad(_ node: Node, _ path: String, _ expected: String) -> SetupError {
        let value = node.scalar?.string ?? (node.sequence == nil ? "an entry" : "a list")
        return .badSetting(name: path, value: value, expected: expected)
    }

    private static func isAllowedInPath(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
