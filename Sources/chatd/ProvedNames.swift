import ChatReactor
import ChatdPasswords

#if TLS
    import ReactorTLS
#endif

/// The names that people prove to have: by a password, or by the certificate that their client shows.
final class ProvedNames: ChatAuthenticator {
    /// Nil if there is no file of passwords.
    let passwords: PasswordAuthenticator?
    private let certificates: CertificateNames

    init(passwords: PasswordAuthenticator?, certificates: CertificateNames) {
        self.passwords = passwords
        self.certificates = certificates
    }

    func isKnown(_ name: ChatName) -> Bool { passwords?.isKnown(name) == true || certificates.seen.contains(name) }

    func isOperator(_ name: ChatName) -> Bool { passwords?.isOperator(name) == true }

    func judge(_ password: String, of name: ChatName, then completion: @escaping (_ isRight: Bool) -> Void) {
        guard let passwords else { return completion(false) }
        passwords.judge(password, of: name, then: completion)
    }
}

/// The names that clients' certificates have. One that has come is reserved until chatd ends: nobody else is to pass for its owner once that
/// has gone.
final class CertificateNames {
    private(set) var seen: Set<ChatName> = []

    #if TLS
        /// Lets a newcomer in under the name that its certificate has; as a guest if it has shown none, which chatd may allow.
        func admit(_ person: Person) -> Chat.Admission {
            guard let certificate = person.connection?.tls?.peerCertificate, let chat = person.server?.chat else { return .admit }
            let name: ChatName
            do throws(ChatName.Invalid) {
                name = try ChatName(certificate.name ?? "")
            } catch {
                return .refuse("the name of your certificate is none for a chat: \(error)")
            }
            // First, or whoever is made a guest by the login could take it back at once.
            seen.insert(name)
            return chat.logIn(person, as: name) ? .admit : .refuse("\(name) is not let in")
        }
    #endif
}
