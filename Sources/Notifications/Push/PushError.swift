/// What can be wrong with a push notification, its target or a credential.
///
/// Secrets are never part of a message.
public enum PushError: Error, Hashable, CustomStringConvertible {
    /// A custom pair has a name that the service keeps for itself.
    case reservedName(String, service: String)
    /// Two custom pairs have the same name.
    case repeatedName(String)
    /// The request exceeds what the service takes, even in its smallest form.
    case tooLarge(service: String, bytes: Int, limit: Int)
    /// A part of a target cannot be used.
    case badTarget(service: String, part: String, reason: String)
    /// A credential cannot be used.
    case badCredential(service: String, part: String, reason: String, fix: String)
    /// The service answered something that its documentation does not foresee.
    case badAnswer(service: String, reason: String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .reservedName(let name, let service):
            "The data pair '\(name)' has a name that \(service) keeps for itself. Rename it, for example to x-\(name)."
        case .repeatedName(let name):
            "The data pair '\(name)' is there twice. Leave one of them out."
        case .tooLarge(let service, let bytes, let limit):
            "The \(service) request has \(bytes) bytes at its smallest, the limit is \(limit). Shorten what is sent."
        case .badTarget(let service, let part, let reason):
            "The \(part) of the \(service) target \(reason)."
        case .badCredential(let service, let part, let reason, let fix):
            "The \(service) \(part) \(reason). \(fix)"
        case .badAnswer(let service, let reason):
            "\(service) answered \(reason)."
        }
    }
}
