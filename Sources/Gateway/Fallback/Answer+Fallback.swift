import Channels

extension Answer {
    /// What lets pages of any origin read an answer; credentials do not exist here.
    private static let crossOriginFields = "access-control-allow-origin: *\r\n"

    /// The fields of a response that stays open: nothing on the way may keep, change or hold it back.
    static let streamFields = """
        cache-control: no-cache, no-store, no-transform, must-revalidate\r
        x-accel-buffering: no\r
        x-content-type-options: nosniff\r
        \(Self.crossOriginFields)
        """

    /// `xhr_send` was taken.
    static let sent = Answer(status: .noContent, contentType: "text/plain", body: [], fields: Self.crossOriginFields)

    /// The answer to a browser that asks whether a page may send its request.
    static let preflight = Answer(
        status: .noContent,
        contentType: "text/plain",
        body: [],
        fields: Self.crossOriginFields + """
            access-control-allow-methods: GET, POST, OPTIONS\r
            access-control-allow-headers: content-type, cache-control, last-event-id, x-requested-with\r
            access-control-max-age: 86400\r\n
            """
    )

    /// A line of text that pages of any origin can read.
    static func crossOrigin(_ status: Status, _ line: String) -> Answer {
        var answer = Answer.text(status, line)
        answer.fields = Self.crossOriginFields
        return answer
    }

    /// `xhr_send` names a session that does not exist.
    static func unknownSession(_ session: String) -> Answer {
        .crossOrigin(
            .notFound,
            "No session '\(session)': it has ended or was never opened here. Open it with xhr_streaming or xhr first"
        )
    }

    /// Why an event stream is refused.
    static func streamError(_ status: Status, _ message: String) -> Answer {
        let body = Array("{\"error\":\(JSONText.quoted(message))}\n".utf8)
        return Answer(status: status, contentType: "application/json", body: body, fields: Self.crossOriginFields)
    }
}
