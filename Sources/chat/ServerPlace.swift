import ChatCommandLine
import Glibc
import Reactor

/// Where the server is, and whether TLS is spoken there.
struct ServerPlace {
    let endpoint: Endpoint
    let usesTLS: Bool

    /// - Parameters:
    ///   - text: As somebody has written it; nil for this machine.
    ///   - preferences: What counts.
    ///   - given: What the command line says: of two that contradict each other, nobody knows which is meant.
    init(_ text: String?, _ preferences: TLSPreferences, given: TLSPreferences) throws(Failure) {
        let text = text ?? "localhost"
        let marked = PlacePrefix.remove("tls:", from: text)
        let isMarked = marked != nil
        if isMarked, !TLSSupport.isBuilt { throw Failure(TLSSupport.absence, code: EX_USAGE) }
        if isMarked, given.tls == false { throw Failure("--no-tls does not go with '\(text)'", code: EX_USAGE) }
        usesTLS = isMarked || preferences.tls == true
        if !usesTLS, let option = given.firstDetail {
            throw Failure("\(option) is for a connection with TLS: add --tls", code: EX_USAGE)
        }
        do throws(EndpointError) {
            // Where both are served, it is at two ports.
            endpoint = try Endpoint(marked ?? text, defaultPort: usesTLS ? 3_002 : 3_001)
        } catch {
            throw Failure("\(error)", code: EX_USAGE)
        }
    }
}
