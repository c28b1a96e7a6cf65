import Foundation

/// Writes a file that the user named, whole or not at all.
enum AtomicFile {
    /// Makes sure that a file can be written before work is done for it.
    static func check(_ path: String) throws {
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent().path
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
            throw CommandError.cannotCreate("'\(path)' is a folder. Name a file in it.")
        }
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw CommandError.cannotCreate(
                "'\(path)' cannot be written: there is no folder '\(folder)'. Create it first.")
        }
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw CommandError.cannotCreate(
                "'\(path)' cannot be written: the folder '\(folder)' is not writable. Choose another place.")
        }
    }

    /// Writes `text` beside the file and moves it there in one step.
    static func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CommandError.cannotCreate(
                "'\(path)' cannot be written: \(error.localizedDescription). Choose another place.")
        }
    }
}
