/// Whether and how permessage-deflate is used on a connection (RFC 7692, section 7.1).
///
/// Neither side keeps its window from message to message: that lets one packed frame go to all subscribers, and one
/// packer and one unpacker serve all connections of an event loop.
enum DeflateNegotiation {
    /// Answers the values of the request's headers `Sec-WebSocket-Extensions`, or `nil` when no offer can be accepted.
    static func answer(to offers: [String]) -> String? {
        for offer in offers.lazy.flatMap({ $0.split(separator: ",") }) {
            if let answer = Self.answer(to: offer) { return answer }
        }
        return nil
    }

    /// Sections 7.1.1 and 7.1.2: an offer with a parameter that is unknown, invalid or given twice is declined.
    private static func answer(to offer: Substring) -> String? {
        let parts = offer.split(separator: ";", omittingEmptySubsequences: false).map { Self.trimmed($0) }
        guard parts.first == "permessage-deflate" else { return nil }
        var answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        var seen: Set<Substring> = []
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = pair.first.map({ Self.trimmed($0) }), seen.insert(name).inserted else { return nil }
            let value = pair.dropFirst().first.map { Self.unquoted(Self.trimmed($0)) }
            switch name {
            case "server_no_context_takeover", "client_no_context_takeover":
                guard value == nil else { return nil }
            case "client_max_window_bits":
                // We unpack any window, so what the client chooses is right.
                guard value.map({ Self.windowBits($0) != nil }) ?? true else { return nil }
            case "server_max_window_bits":
                // A frame is packed once, with the full window; a client that cannot keep one gets plain frames.
                guard value.flatMap({ Self.windowBits($0) }) == 15 else { return nil }
                answer += "; server_max_window_bits=15"
            default: return nil
            }
        }
        return answer
    }

    /// 8 to 15, without leading zeros.
    private static func windowBits(_ text: Substring) -> Int? {
        guard let bits = Int(text), (8...15).contains(bits), String(bits) == text else { return nil }
        return bits
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let text = text.drop { $0 == " " || $0 == "\t" }
        guard let last = text.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return text[...last]
    }

    private static func unquoted(_ text: Substring) -> Substring {
        guard text.count >= 2, text.first == "\"", text.last == "\"" else { return text }
        return text.dropFirst().dropLast()
    }
}
