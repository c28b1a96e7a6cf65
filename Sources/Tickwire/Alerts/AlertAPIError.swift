import Alerts
import Channels
import HTTPTypes
import Market
import Notifications
import Postgres
import Store

/// What an alert request is refused with: a status, and a reason a program and a person can read.
struct AlertAPIError: Error, Equatable {
    let status: HTTPResponse.Status
    let reason: String
    /// The member of the body or the query that is meant.
    var member: String?
    /// Where in its value, counted from 1.
    var column: Int?

    /// `{"error":"…","member":"condition","column":9}`.
    var json: String {
        var json = #"{"error":\#(JSONText.quoted(self.reason))"#
        if let member { json += #","member":\#(JSONText.quoted(member))"# }
        if let column { json += #","column":\#(column)"# }
        return json + "}"
    }

    /// The answer for any error on the way of a request; `nil` when it is one of ours.
    init?(_ error: any Error) {
        switch error {
        case let error as AlertAPIError: self = error
        case let error as AlertSyntaxError:
            self.init(
                status: .unprocessableContent, reason: error.description, member: "condition", column: error.column)
        case let error as AlertTemplateError:
            self.init(
                status: .unprocessableContent, reason: error.description, member: error.part,
                column: error.reason.column)
        case let error as AlertTrialError:
            self.init(status: .unprocessableContent, reason: error.description, member: "prices")
        case let error as AlertChangeError: self.init(status: .unprocessableContent, reason: error.description)
        case let error as MarketError: self.init(status: .unprocessableContent, reason: error.description)
        case let error as RequestBody.Problem:
            let isLate = error == .late
            self.init(status: isLate ? .requestTimeout : .contentTooLarge, reason: error.reason)
        case let error as TokenRefusal: self.init(error)
        case let error as StoreError: self.init(error)
        case is PostgresError:
            self.init(status: .serviceUnavailable, reason: "The database does not answer, try again later")
        default: return nil
        }
    }

    init(status: HTTPResponse.Status, reason: String, member: String? = nil, column: Int? = nil) {
        self.status = status
        self.reason = reason
        self.member = member
        self.column = column
    }

    private init(_ refusal: TokenRefusal) {
        let status: HTTPResponse.Status =
            switch refusal {
            case .noToken, .unknown: .unauthorized
            case .tooMany: .tooManyRequests
            case .overloaded, .unavailable: .serviceUnavailable
            }
        self.init(status: status, reason: refusal.reason)
    }

    private init?(_ error: StoreError) {
        switch error {
        case .unknownAlert(let id): self = .unknown(id)
        case .tooManyAlerts(_, let limit):
            self.init(status: .conflict, reason: "You have \(limit) alerts, which is the limit. Remove some first.")
        case .invalidWebhook: self.init(status: .unprocessableContent, reason: error.description, member: "webhook")
        case .invalidTemplate: self.init(status: .unprocessableContent, reason: error.description)
        case .invalidUser: self.init(status: .unprocessableContent, reason: error.description, member: "user")
        default: return nil
        }
    }

    /// There is no such alert, or it is somebody else's: nobody learns which.
    static func unknown(_ id: Int64) -> AlertAPIError {
        AlertAPIError(status: .notFound, reason: "There is no alert \(id)")
    }
}
