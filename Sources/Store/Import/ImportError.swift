/// What is wrong with a file of ticks, and where.
public struct ImportError: Error, Hashable, CustomStringConvertible {
    /// The line, from 1; `nil` when it is about the whole file.
    public var line: Int?
    /// The column, from 1; `nil` when it is about the whole line.
    public var column: Int?
    /// The column's heading.
    public var name: String?
    /// What stands there.
    public var value: String
    /// What should.
    public var expected: String
    /// The file, as the user named it.
    public var file: String = "input"

    /// Makes an error.
    init(line: Int?, column: Int?, name: String?, value: String, expected: String) {
        self.line = line
        self.column = column
        self.name = name
        self.value = value.count > 80 ? value.prefix(80) + "…" : value
        self.expected = expected
    }

    /// One line for the user: file, line, column, value and what was expected.
    public var description: String {
        let place = [self.line, self.column].compactMap { $0.map { ":\($0)" } }.joined()
        let what = self.name.map { "\($0) is '\(self.value)'" } ?? self.value
        return "\(self.file)\(place): \(what): expected \(self.expected). Nothing was imported."
    }
}
