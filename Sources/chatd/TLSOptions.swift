import ArgumentParser
import ChatCommandLine

/// The options of TLS. A build without it has them, too, and says so when they are used.
struct TLSOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A certificate, with its chain; repeatable.", valueName: "file"), completion: .file())
    var tlsCertificate: [String] = []

    @Option(help: ArgumentHelp("Its key: one for each certificate, in order.", valueName: "file"), completion: .file())
    var tlsKey: [String] = []

    @Option(help: ArgumentHelp("The authorities of clients' certificates.", valueName: "file"), completion: .file())
    var tlsClientCa: String?

    @Option(help: ArgumentHelp("Whether clients must have one. (default: require)", valueName: "rule"))
    var tlsClients: TLSClientRule?

    /// What is asked of clients whose certificates are looked at.
    enum TLSClientRule: String, ExpressibleByArgument, CaseIterable {
        /// Those without one do not get in.
        case require
        /// Those without one get in, too.
        case request
    }

    func validate() throws {
        if !TLSSupport.isBuilt, !tlsCertificate.isEmpty || !tlsKey.isEmpty || tlsClientCa != nil || tlsClients != nil {
            throw ValidationError(TLSSupport.absence)
        }
        if tlsCertificate.count != tlsKey.count {
            throw ValidationError(
                "each --tls-certificate takes a --tls-key; there are \(tlsCertificate.count) and \(tlsKey.count) of them")
        }
        if tlsClientCa != nil, tlsCertificate.isEmpty { throw ValidationError("--tls-client-ca needs --tls-certificate") }
        if tlsClients != nil, tlsClientCa == nil { throw ValidationError("--tls-clients needs --tls-client-ca") }
    }

    /// All files that are named.
    var files: [String] { tlsCertificate + tlsKey + [tlsClientCa].compactMap(\.self) }
}
