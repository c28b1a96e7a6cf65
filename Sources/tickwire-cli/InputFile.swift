import Foundation
import Market
import Tickwire

/// Reads a file that the user named.
func readData(_ path: String) throws -> Data {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw CommandError.noInput("The file '\(path)' cannot be read. Check the path.")
    }
    return data
}

/// Makes sure that a file that the user named can be read, without reading it.
func checkReadable(_ path: String) throws {
    guard FileManager.default.isReadableFile(atPath: path) else {
        throw CommandError.noInput("The file '\(path)' cannot be read. Check the path.")
    }
}

/// The symbols of an option, separated by commas; `nil` when the option was not given.
func feedSymbols(_ option: String?) throws -> [Symbol]? {
    try option?.split(separator: ",").map { try Symbol($0.trimmingCharacters(in: .whitespaces)) }
}

/// The file of a feed that the user named by its name or its path.
func feedFile(_ name: String, _ settings: Settings) throws -> String {
    if name.hasSuffix(".yaml") || name.hasSuffix(".yml") || name.contains("/") {
        try checkReadable(name)
        return name
    }
    do {
        return try Settings.feedFile(of: name, in: settings.feedsDirectory)
    } catch SetupError.badSetting(_, _, let expected) {
        throw CommandError.noInput(
            "No file in \(settings.feedsDirectory) is named '\(name).yaml': give \(expected), or a file's path.")
    }
}

/// Reads a text file that the user named.
func readFile(_ path: String) throws -> String {
    guard let text = String(data: try readData(path), encoding: .utf8) else {
        throw CommandError.badData("The file '\(path)' is not UTF-8 text.")
    }
    return text
}
