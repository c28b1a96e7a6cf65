import Foundation
import HTTPTypes

/// The body of an alert request: a JSON object whose members are texts, or lists of texts.
///
/// Strict: an unknown member, or one of another type, is refused with its name.
struct AlertRequestBody: Equatable {
    /// A member's value.
    enum Value: Equatable {
        case null
        case text(String)
        case texts([String])
    }

    private let values: [String: Value]

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - bytes: JSON; none at all is an empty object.
    ///   - members: The members it may have.
    ///   - lists: Those of them that are lists.
    ///   - nullable: Those of them that may be `null`.
    /// - Throws: ``AlertAPIError`` with status 400.
    init(
        _ bytes: [UInt8], members: [String], lists: Set<String> = [], nullable: Set<String> = []
    ) throws(AlertAPIError) {
        guard !bytes.isEmpty else {
            self.values = [:]
            return
        }
        let decoded: Any
        do { decoded = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) } catch {
            throw AlertAPIError(status: .badRequest, reason: "The body is not JSON")
        }
        guard let object = decoded as? [String: Any] else {
            throw AlertAPIError(status: .badRequest, reason: "The body is not a JSON object")
        }
        var values: [String: Value] = [:]
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            guard members.contains(name) else {
                throw AlertAPIError(
                    status: .badRequest,
                    reason: "Unknown member '\(name.prefix(60))'. Members are \(members.joined(separator: ", ")).",
                    member: String(name.prefix(60)))
            }
            values[name] = try Self.value(value, name, isList: lists.contains(name), mayBeNull: nullable.contains(name))
        }
        self.values = values
    }

    private static func value(
        _ value: Any, _ name: String, isList: Bool, mayBeNull: Bool
    ) throws(AlertAPIError) -> Value {
        if value is NSNull, mayBeNull { return .null }
        if isList, let texts = value as? [String] { return .texts(texts) }
        if !isList, let text = value as? String { return .text(text) }
        let expected = isList ? "a list of texts" : mayBeNull ? "a text or null" : "a text"
        throw AlertAPIError(
            status: .badRequest, reason: "Member '\(name)' must be \(expected); write numbers in quotes", member: name)
    }

    /// Whether there is nothing in it.
    var isEmpty: Bool { self.values.isEmpty }

    /// Whether the member is there, be it `null`.
    func has(_ name: String) -> Bool { self.values[name] != nil }

    /// A text; `nil` when it is missing or `null`.
    func text(_ name: String) -> String? {
        if case .text(let text) = self.values[name] { return text }
        return nil
    }

    /// A text that must be there.
    func requiredText(_ name: String) throws(AlertAPIError) -> String {
        guard let text = self.text(name) else {
            throw AlertAPIError(status: .badRequest, reason: "Member '\(name)' is missing", member: name)
        }
        return text
    }

    /// A list; `nil` when it is missing.
    func texts(_ name: String) -> [String]? {
        if case .texts(let texts) = self.values[name] { return texts }
        return nil
    }
}
