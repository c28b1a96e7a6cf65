/// One header of a request to a push service.
public struct NotificationHeader: Hashable, Sendable {
    /// The name as the service spells it.
    public let name: String
    /// The value.
    public let value: String

    /// Makes a header.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [NotificationHeader] {
    /// The value of the header `name`, compared letter by letter.
    public subscript(name: String) -> String? { self.first { $0.name == name }?.value }

    /// Appends the headers as the members of the JSON object being written.
    func write(to writer: inout JSONWriter) {
        writer.strings(self.map { ($0.name, $0.value) })
    }
}
