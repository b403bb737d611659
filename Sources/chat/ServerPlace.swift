import CommandLineSupport
import Glibc
import Reactor

/// Where the server is, and whether TLS is spoken there.
struct ServerPlace {
    let endpoint: Endpoint
    let usesTLS: Bool

    /// Takes `tls:` or `tls://` off the beginning. A host that is called `tls` is still meant by `tls:3001`.
    private static func split(_ text: String) -> (usesTLS: Bool, place: String) {
        guard text.utf8.starts(with: "tls:".utf8) else { return (false, text) }
        var rest = text.utf8.dropFirst("tls:".utf8.count)
        if rest.allSatisfy({ (48...57).contains($0) }) { return (false, text) }
        if rest.starts(with: "//".utf8) { rest = rest.dropFirst(2) }
        return (true, String(Substring(rest)))
    }

    /// - Parameters:
    ///   - text: As somebody has written it; nil for this machine.
    ///   - preferences: What counts.
    ///   - given: What the command line says: of two that contradict each other, nobody knows which is meant.
    init(_ text: String?, _ preferences: TLSPreferences, given: TLSPreferences) throws(Failure) {
        let (isMarked, place) = Self.split(text ?? "localhost")
        if isMarked, !TLSSupport.isBuilt { throw Failure(TLSSupport.absence, code: EX_USAGE) }
        if isMarked, given.tls == false { throw Failure("--no-tls does not go with '\(text ?? "")'", code: EX_USAGE) }
        usesTLS = isMarked || preferences.tls == true
        if !usesTLS, let option = given.firstDetail {
            throw Failure("\(option) is for a connection with TLS: add --tls", code: EX_USAGE)
        }
        do throws(EndpointError) {
            // Where both are served, it is at two ports.
            endpoint = try Endpoint(place, defaultPort: usesTLS ? 3_002 : 3_001)
        } catch {
            throw Failure("\(error)", code: EX_USAGE)
        }
    }
}
