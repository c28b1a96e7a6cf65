/// Apple's word for a refusal.
public enum APNsReason {
    private struct Reply: Decodable { var reason: String? }

    /// The member `reason` of an answer's body; `nil` when there is none.
    public static func name(_ response: PushResponse) -> String? { PushReply.decode(Reply.self, response)?.reason }
}
