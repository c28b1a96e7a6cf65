/// A user within one app, as a key.
struct UserKey: Hashable {
    var app: Int32
    var id: String
}
