/// Columns of text, aligned: words to the left, numbers to the right.
struct Table {
    /// How a column is aligned.
    enum Alignment {
        case left, right
    }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ columns: [(title: String, alignment: Alignment)]) { self.columns = columns }

    mutating func add(_ row: [String]) { self.rows.append(row) }

    var isEmpty: Bool { self.rows.isEmpty }

    /// The table's lines, headings first.
    var lines: [String] { self.lines(atLeast: []) }

    /// How wide the columns are, none narrower than in `least`.
    func widths(atLeast least: [Int]) -> [Int] {
        self.columns.indices.map { column in
            let longest = self.rows.map { $0[column].count }.max() ?? 0
            return max(longest, self.columns[column].title.count, column < least.count ? least[column] : 0)
        }
    }

    /// The table's lines, headings first, with columns that are not narrower than in `least`.
    func lines(atLeast least: [Int]) -> [String] {
        let widths = self.widths(atLeast: least)
        return ([self.columns.map(\.title)] + self.rows).map { row in
            let cells = self.columns.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return self.columns[column].alignment == .left ? row[column] + padding : padding + row[column]
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
