import Configuration
import Foundation
import Market
import Yams

/// The settings file: YAML whose keys are all known.
struct SettingsDocument {
    /// Its path.
    let file: String
    /// Its members.
    let root: Node.Mapping

    /// Reads the file.
    ///
    /// Keys that no setting has are refused, so that a misspelt one is not silently without effect.
    init(file: String) throws(SetupError) {
        self.file = file
        do {
            let node = try Yams.compose(yaml: String(contentsOfFile: file, encoding: .utf8))
            guard let root = (node ?? Node.mapping(Node.Mapping([]))).mapping else {
                throw SetupError.badSetting(
                    name: "--config", value: file, expected: "'key: value' lines on the top level")
            }
            self.root = root
        } catch let error as SetupError {
            throw error
        } catch {
            throw .badSetting(name: "--config", value: file, expected: "readable YAML (\(error))")
        }
        for (key, value) in self.root { try self.checkKey(key.string ?? "", value) }
    }

    /// Its single values and lists of texts; what ``AppListReader`` reads is left out.
    func provider() throws(SetupError) -> InMemoryProvider {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in self.root { try Self.add(value, [key.string ?? ""], to: &values) }
        return InMemoryProvider(name: "settings file", values: values)
    }

    private func checkKey(_ key: String, _ value: Node) throws(SetupError) {
        let keys = SettingsLoader.keys + SettingsLoader.listKeys
        if keys.contains(key) { return }
        if let mapping = value.mapping, keys.contains(where: { $0.hasPrefix(key + ".") }) {
            for (inner, value) in mapping { try self.checkKey("\(key).\(inner.string ?? "")", value) }
            return
        }
        throw .unknownSetting(key: key, file: self.file, nearest: Spelling.nearest(to: key, among: keys).first)
    }

    private static func add(
        _ node: Node, _ path: [String], to values: inout [AbsoluteConfigKey: ConfigValue]
    ) throws(SetupError) {
        let name = path.joined(separator: ".")
        guard !SettingsLoader.listKeys.contains(name), node.null == nil else { return }
        let isSecret = SettingsLoader.secretKeys.contains(name)
        if let mapping = node.mapping {
            for (key, value) in mapping { try self.add(value, path + [key.string ?? ""], to: &values) }
        } else if let sequence = node.sequence {
            var texts: [String] = []
            for item in sequence {
                guard let text = item.scalar?.string else {
                    throw .badSetting(name: name, value: "a list with entries of its own", expected: "a list of texts")
                }
                texts.append(text)
            }
            values[AbsoluteConfigKey(path)] = ConfigValue(.stringArray(texts), isSecret: isSecret)
        } else if let scalar = node.scalar {
            values[AbsoluteConfigKey(path)] = ConfigValue(.string(scalar.string), isSecret: isSecret)
        }
    }
}
