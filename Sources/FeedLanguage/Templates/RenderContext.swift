import Market

/// Everything that the placeholders of a template may stand for.
///
/// Wall time and randomness come in as values: nothing in this module reads a clock or rolls dice.
struct RenderContext: Sendable {
    /// What a placeholder stands for.
    struct Value: Equatable, Sendable {
        /// As plain text.
        var text: String
        /// As JSON.
        var json: String
    }

    /// `{symbol}`, in the venue's spelling.
    var symbol = ""
    /// `{symbols}`, in the venue's spelling.
    var symbols: [String] = []
    /// `{n}`.
    var counter = 0
    /// `{now_…}`.
    var now: Timestamp
    /// Any number; the source of `{uuid}`.
    var random: UInt64
    /// `{channel}`.
    var channel = ""
    /// What bootstrap requests have captured.
    var captures: [String: String] = [:]
    /// `{$.path}` by its path; a path that is not here has no value, which is `null` in JSON.
    var frame: [FieldPath: Value] = [:]
    /// The range that a request asks for.
    var bounds = TickBounds()
    /// The values of environment variables; one that is not here keeps its default, or is written as in the file.
    var environment: [String: String] = [:]

    /// Everything empty but the two things that must not be made up.
    init(now: Timestamp, random: UInt64, environment: [String: String] = [:]) {
        self.now = now
        self.random = random
        self.environment = environment
    }

    /// A context for what is the same every time: for a feed file's tests and for showing what would be sent.
    static let fixed = RenderContext(now: Timestamp(nanoseconds: 1_800_000_000_000_000_000), random: 0)

    /// The text of a placeholder; `{symbols}` has none of its own.
    func text(of placeholder: Placeholder) -> String {
        switch placeholder {
        case .symbol: self.symbol
        case .symbols: self.symbols.joined(separator: ",")
        case .counter: String(self.counter)
        case .now(let form): Self.text(self.now, form)
        case .uuid: Self.uuid(self.random)
        case .channel: self.channel
        case .capture(let name): self.captures[name] ?? ""
        case .frame(let path): self.frame[path]?.text ?? ""
        case .bound(let bound, nil): self.bounds.id(bound) ?? ""
        case .bound(let bound, .some(let form)): self.bounds.time(bound).map { Self.text($0, form) } ?? ""
        case .variable(let name, let fallback): self.environment[name] ?? fallback ?? "${\(name)}"
        }
    }

    /// A placeholder that is a value of its own, as JSON.
    func json(of placeholder: Placeholder) -> String {
        if case .frame(let path) = placeholder { return self.frame[path]?.json ?? "null" }
        let text = self.text(of: placeholder)
        if placeholder.isNumber { return text.isEmpty ? "null" : text }
        var bytes: [UInt8] = []
        bytes.appendJSONString(text)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func text(_ time: Timestamp, _ form: Placeholder.TimeForm) -> String {
        switch form {
        case .s: String(time.nanoseconds / 1_000_000_000)
        case .ms: String(time.nanoseconds / 1_000_000)
        case .ns: String(time.nanoseconds)
        case .iso: time.description
        }
    }

    /// A version 4 UUID, RFC 9562 section 5.4, from one number.
    static func uuid(_ random: UInt64) -> String {
        var generator = SplitMix64(seed: random)
        let high = generator.next() & ~0xF000 | 0x4000
        let low = generator.next() & ~(0b11 << 62) | (0b10 << 62)
        var digits: [UInt8] = []
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { digits.append(UInt8(ascii: "-")) }
            let half = index < 16 ? high : low
            let nibble = UInt8(half >> UInt64(60 - 4 * (index % 16)) & 0xF)
            digits.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
