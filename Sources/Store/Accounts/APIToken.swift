public import Market

/// A token as it is stored: everything but the secret.
public struct APIToken: Sendable, Hashable {
    /// What it can be revoked by.
    public let id: Int64
    /// Whose token it is.
    public let userID: String
    /// What it is for, in the user's words.
    public let name: String
    /// What it allows.
    public let scopes: [TokenScope]
    /// When it was created.
    public let createdAt: Timestamp
    /// From when on it is of no use; `nil`: never.
    public let expiresAt: Timestamp?
    /// When it was last used, within half a minute; `nil`: never.
    public let lastUsedAt: Timestamp?
    /// When it was revoked; `nil`: it was not.
    public let revokedAt: Timestamp?
}

/// Who a token speaks for.
public struct TokenHolder: Sendable, Hashable {
    /// The token's id.
    public let tokenID: Int64
    /// The user's id.
    public let userID: String
    /// The user's name.
    public let userName: String
    /// What the token allows.
    public let scopes: [TokenScope]
    /// From when on it is of no use; `nil`: never.
    public let expiresAt: Timestamp?

    /// Names a holder.
    public init(tokenID: Int64, userID: String, userName: String, scopes: [TokenScope], expiresAt: Timestamp? = nil) {
        self.tokenID = tokenID
        self.userID = userID
        self.userName = userName
        self.scopes = scopes
        self.expiresAt = expiresAt
    }
}
