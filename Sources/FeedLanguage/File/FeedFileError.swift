/// What is wrong with a feed file, and where.
public struct FeedFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's name as the loader was given it.
    public let file: String
    /// The line of the offending text, from 1.
    public let line: Int
    /// The column of the offending text in Unicode scalars, from 1.
    public let column: Int
    /// What is wrong and how to fix it.
    public let message: String

    /// Makes an error at a place in a file.
    public init(file: String, line: Int, column: Int, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }

    /// One line for an operator: `Feeds/coinbase.yaml:12:5: unknown key 'sidde' in trade: did you mean 'side'?`.
    public var description: String { "\(self.file):\(self.line):\(self.column): \(self.message)" }
}

/// A place in a feed file.
struct SourceMark: Hashable, Sendable {
    var line: Int
    var column: Int
    /// The file when it is not the one being loaded, but one that it extends.
    var file: String?
}
