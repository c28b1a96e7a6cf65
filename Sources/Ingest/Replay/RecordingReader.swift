public import FeedLanguage
import Foundation

/// Reads a recording piece by piece, so that its length does not matter.
public struct RecordingReader {
    private static let chunkBytes = 1 << 20

    private let file: FileHandle
    private var rest: ArraySlice<UInt8> = []
    private var number = 0
    private var isAtEnd = false

    /// Opens a recording.
    ///
    /// - Throws: ``IngestError/unreadableRecording(_:)``.
    public init(path: String) throws(IngestError) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw .unreadableRecording(path)
        }
        self.file = file
    }

    /// The next line; `nil` at the end.
    ///
    /// - Throws: ``RecordingError`` at a line of an unknown shape, ``IngestError`` when the file cannot be read on.
    public mutating func next() throws -> Recording.Line? {
        while true {
            if let end = self.rest.firstIndex(of: UInt8(ascii: "\n")) {
                let bytes = self.rest[self.rest.startIndex..<end]
                self.rest = self.rest[(end + 1)...]
                self.number += 1
                if let line = try Recording.line(bytes, number: self.number) { return line }
                continue
            }
            if self.isAtEnd {
                let bytes = self.rest
                self.rest = []
                guard !bytes.isEmpty else { return nil }
                self.number += 1
                return try Recording.line(bytes, number: self.number)
            }
            let chunk = try self.file.read(upToCount: Self.chunkBytes) ?? Data()
            self.isAtEnd = chunk.isEmpty
            self.rest = ArraySlice(Array(self.rest) + chunk)
        }
    }
}
