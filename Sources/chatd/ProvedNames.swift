import ChatReactor
import ChatdPasswords

/// The names that people prove to have: by a password, or by the certificate that their client shows.
final class ProvedNames: ChatAuthenticator {
    /// Nil if there is no file of passwords.
    let passwords: PasswordAuthenticator?
    private let certificates: CertificateNames

    init(passwords: PasswordAuthenticator?, certificates: CertificateNames) {
        self.passwords = passwords
        self.certificates = certificates
    }

    func isKnown(_ name: ChatName) -> Bool { passwords?.isKnown(name) == true || certificates.contains(name) }

    func isOperator(_ name: ChatName) -> Bool { passwords?.isOperator(name) == true }

    func provenName(of person: Person) -> ChatName? { certificates.name(of: person) }

    func judge(_ password: String, of name: ChatName, then completion: @escaping (_ isRight: Bool) -> Void) {
        guard let passwords else { return completion(false) }
        passwords.judge(password, of: name, then: completion)
    }
}
