import Market

/// How an answer's next page is asked for: `page` of a feed file.
struct Paging: Sendable {
    enum Form: Sendable {
        /// The body holds the next page's name.
        case cursor(FieldPath)
        /// A header holds the next page's name.
        case header(String)
        /// Pages are counted in items of so many a page; the body may hold the number of all.
        case offset(size: Int, total: FieldPath?)
        /// The last trade's id.
        case lastID
        /// The last trade's time.
        case lastTime(ValueSource.TimeUnit)
    }

    var form: Form
    /// The parameter of the address that asks for the page.
    var parameter: String
    /// The most pages of one round.
    var pagesMax = Paging.pagesMaxDefault

    static let pagesMaxDefault = 10

    /// What the body alone tells about the next page.
    func hint(in body: [UInt8]) -> PageHint {
        switch self.form {
        case .cursor(let path):
            return PageHint(cursor: Self.text(at: path, in: body))
        case .offset(_, let path?):
            return PageHint(total: Self.text(at: path, in: body).flatMap { Int($0) })
        case .offset(_, nil), .header, .lastID, .lastTime: return PageHint()
        }
    }

    private static func text(at path: FieldPath, in body: [UInt8]) -> String? {
        body.withUnsafeBytes(JSONNodeReader.read)?.value(at: path)?.text
    }

    /// The page after `page`; `nil` when that was the last one.
    ///
    /// A page that names itself as the next one ends the round too, so that a provider's mistake cannot keep us asking.
    ///
    /// - Parameters:
    ///   - page: The page that was asked for.
    ///   - answer: Its answer.
    ///   - hint: What ``hint(in:)`` found in its body.
    ///   - isEmpty: Whether the page held nothing.
    ///   - last: The id and time of its last item.
    /// - Returns: What to ask for next.
    func page(
        after page: PageMark, answer: HTTPAnswer, hint: PageHint, isEmpty: Bool, last: (id: String?, time: Timestamp?)
    ) -> PageMark? {
        guard page.number < self.pagesMax else { return nil }
        return self.following(page, answer: answer, hint: hint, isEmpty: isEmpty, last: last)
    }

    /// The same, however many pages there have been.
    func following(
        _ page: PageMark, answer: HTTPAnswer, hint: PageHint, isEmpty: Bool, last: (id: String?, time: Timestamp?)
    ) -> PageMark? {
        let value: String?
        switch self.form {
        case .cursor: value = isEmpty ? nil : hint.cursor
        case .header(let name): value = isEmpty ? nil : answer.header(name)
        case .offset(let size, _):
            let offset = page.number * size
            value = isEmpty || offset >= hint.total ?? .max ? nil : String(offset)
        case .lastID, .lastTime: value = isEmpty ? nil : self.mark(last: last)
        }
        guard let value, !value.isEmpty, value != page.value else { return nil }
        return PageMark(number: page.number + 1, value: value)
    }

    /// Where a later round goes on in place of the beginning: only ids and times last longer than a round.
    func mark(last: (id: String?, time: Timestamp?)) -> String? {
        switch self.form {
        case .cursor, .header, .offset: nil
        case .lastID: last.id
        case .lastTime(let unit): last.time?.text(unit)
        }
    }
}

/// What a body tells about the next page.
public struct PageHint: Equatable, Sendable {
    /// The next page's name.
    public internal(set) var cursor: String?
    /// How many items there are on all pages.
    public internal(set) var total: Int?

    /// Nothing is told; ``PollPlan/hint(in:)`` finds more.
    public init() {}

    init(cursor: String? = nil, total: Int? = nil) {
        self.cursor = cursor
        self.total = total
    }
}

/// Which page is asked for.
public struct PageMark: Hashable, Sendable {
    /// From 1.
    public internal(set) var number = 1
    /// The parameter's value; `nil` for the beginning.
    public internal(set) var value: String?

    /// The first page.
    public init() {}

    init(number: Int = 1, value: String?) {
        self.number = number
        self.value = value
    }
}

extension Timestamp {
    /// The instant in a unit, rounded down; ISO 8601 where none is named.
    func text(_ unit: ValueSource.TimeUnit) -> String {
        switch unit {
        case .auto, .iso: return self.description
        case .s, .ms, .us, .ns:
            let length = unit.nanoseconds
            return String((self.nanoseconds - (self.nanoseconds % length + length) % length) / length)
        }
    }
}

extension ValueSource.TimeUnit {
    /// Its length; a nanosecond where the form has no unit.
    var nanoseconds: Int64 {
        switch self {
        case .auto, .iso, .ns: 1
        case .us: 1000
        case .ms: 1_000_000
        case .s: 1_000_000_000
        }
    }
}
