/// Changes to the query of an address.
enum QueryText {
    /// The address with one parameter set: in its place if it is there, else at the end.
    static func setting(_ name: String, to value: String, in url: String) -> String {
        let assignment = "\(TextTemplate.percentEncoded(name))=\(TextTemplate.percentEncoded(value))"
        guard let mark = url.firstIndex(of: "?") else { return "\(url)?\(assignment)" }
        var isSet = false
        var items = url[url.index(after: mark)...].split(separator: "&").map { item in
            guard Self.name(of: item) == name || Self.name(of: item) == TextTemplate.percentEncoded(name) else {
                return String(item)
            }
            isSet = true
            return assignment
        }
        if !isSet { items.append(assignment) }
        return "\(url[..<mark])?\(items.joined(separator: "&"))"
    }

    /// The address without the parameters that have no value: a bound that is not known is not asked for.
    static func droppingEmpty(in url: String) -> String {
        guard let mark = url.firstIndex(of: "?") else { return url }
        let items = url[url.index(after: mark)...].split(separator: "&").filter { !$0.hasSuffix("=") }
        return items.isEmpty ? String(url[..<mark]) : "\(url[..<mark])?\(items.joined(separator: "&"))"
    }

    private static func name(of item: Substring) -> String { String(item.prefix { $0 != "=" }) }
}
