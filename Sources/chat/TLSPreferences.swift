import ArgumentParser
import ChatCommandLine

/// The preferences of TLS. A build without it has them, too, and says so when they are used.
struct TLSPreferences: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Speak TLS (default: at tls://HOST).")
    var tls: Bool?

    @Option(help: ArgumentHelp("Trust servers by these authorities.", valueName: "file"), completion: .file())
    var tlsCa: String?

    @Option(help: ArgumentHelp("Your certificate, where one is asked for.", valueName: "file"), completion: .file())
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("Its key.", valueName: "file"), completion: .file())
    var tlsKey: String?

    @Flag(inversion: .prefixedNo, help: "Trust a server that was the same before.")
    var tlsTrustOnFirstUse: Bool?

    func validate() throws {
        if !TLSSupport.isBuilt, tls == true || firstDetail != nil { throw ValidationError(TLSSupport.absence) }
    }

    /// The first of the options that only TLS makes use of.
    var firstDetail: String? {
        if tlsCa != nil { return "--tls-ca" }
        if tlsCertificate != nil { return "--tls-certificate" }
        if tlsKey != nil { return "--tls-key" }
        return tlsTrustOnFirstUse == true ? "--tls-trust-on-first-use" : nil
    }

    /// Takes what was not given from others.
    mutating func fill(from other: TLSPreferences) {
        tls = tls ?? other.tls
        // Each of the two goes with the other, and one way of trusting takes the place of another.
        if tlsCertificate == nil, tlsKey == nil { (tlsCertificate, tlsKey) = (other.tlsCertificate, other.tlsKey) }
        if tlsCa == nil, tlsTrustOnFirstUse != true {
            tlsCa = other.tlsCa
            tlsTrustOnFirstUse = tlsTrustOnFirstUse ?? other.tlsTrustOnFirstUse
        }
    }
}
