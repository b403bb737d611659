/// Knows which names are somebody's who has to log in, and judges their passwords: see ``Chat/authenticator``.
///
/// `chatd` has one that reads a file of passwords. Another may ask a directory or a database.
///
/// It is asked on the loop's thread.
public protocol ChatAuthenticator: AnyObject {
    /// Whether a name is somebody's: nobody takes it without a login. It is asked often, and must not block.
    func isKnown(_ name: ChatName) -> Bool

    /// Whether who has logged in under a name may give the operator's commands. It is asked with each of them.
    func isOperator(_ name: ChatName) -> Bool

    /// The name that somebody has proved to have without a password, by a certificate for instance; nil if none. With `chatd`, and IRC clients that ask
    /// for it (SASL EXTERNAL), that is the name of the certificate. It is asked often, and must not block.
    func provenName(of person: Person) -> ChatName?

    /// Judges a password, also of a name that is not known: that should take as long, so that nobody learns which are.
    ///
    /// What takes long belongs on another thread, or everybody waits. There is at most one judgement under way for each address, and for
    /// each name.
    ///
    /// - Parameters:
    ///   - password: As somebody has sent it, less the spaces around it; control characters are made visible.
    ///   - name: Whose it has to be.
    ///   - completion: To be called once, on the loop's thread, from within this call or later.
    func judge(_ password: String, of name: ChatName, then completion: @escaping (_ isRight: Bool) -> Void)
}

extension ChatAuthenticator {
    /// None.
    public func provenName(of person: Person) -> ChatName? { nil }
}
