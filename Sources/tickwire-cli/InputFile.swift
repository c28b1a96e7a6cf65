import Foundation

/// Reads a file that the user named.
func readData(_ path: String) throws -> Data {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw CommandError.noInput("The file '\(path)' cannot be read. Check the path.")
    }
    return data
}

/// Reads a text file that the user named.
func readFile(_ path: String) throws -> String {
    guard let text = String(data: try readData(path), encoding: .utf8) else {
        throw CommandError.badData("The file '\(path)' is not UTF-8 text.")
    }
    return text
}
