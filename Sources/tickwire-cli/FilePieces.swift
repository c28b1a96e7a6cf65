import Foundation

/// The bytes of a file or of standard input, piece by piece.
struct FilePieces: AsyncSequence {
    /// Reads one piece after the other.
    struct Iterator: AsyncIteratorProtocol {
        let handle: FileHandle
        let name: String

        mutating func next() async throws -> [UInt8]? {
            do {
                guard let data = try self.handle.read(upToCount: 1 << 18), !data.isEmpty else { return nil }
                return [UInt8](data)
            } catch {
                throw CommandError.noInput("'\(self.name)' cannot be read to its end: \(error.localizedDescription).")
            }
        }
    }

    private let handle: FileHandle
    private let name: String

    /// Opens a file; `-` is standard input.
    init(_ path: String) throws {
        self.name = path
        if path == "-" {
            self.handle = .standardInput
            return
        }
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
            throw CommandError.noInput("'\(path)' is a folder. Name a file in it.")
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandError.noInput("The file '\(path)' cannot be read. Check the path.")
        }
        self.handle = handle
    }

    func makeAsyncIterator() -> Iterator { Iterator(handle: self.handle, name: self.name) }
}
