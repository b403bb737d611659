import ChatReactor
import Synchronization

#if TLS
    import ReactorTLS
#endif

/// The names that clients' certificates have. One that has come is reserved until chatd ends: nobody else is to pass for its owner once that
/// has gone. All loops have the same.
final class CertificateNames: Sendable {
    private let seen = Mutex<Set<ChatName>>([])

    func contains(_ name: ChatName) -> Bool { seen.withLock { $0.contains(name) } }

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
            seen.withLock { _ = $0.insert(name) }
            return chat.logIn(person, as: name) ? .admit : .refuse("\(name) is not let in")
        }

        /// Whether somebody's certificate has the name that it has.
        func prove(_ person: Person) -> Bool { name(of: person) == person.name }

        /// The name in somebody's certificate; nil if there is none.
        func name(of person: Person) -> ChatName? {
            (person.connection?.tls?.peerCertificate?.name).flatMap { try? ChatName($0) }
        }
    #else
        func prove(_ person: Person) -> Bool { false }

        func name(of person: Person) -> ChatName? { nil }
    #endif
}
