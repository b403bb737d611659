import ArgumentParser
import ChatCommandLine
import ChatReactorRedis
import Glibc

/// The options of a relay or a chat of several machines. A build without Redis has them, too, and says so when they are used.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Be one relay or chat with others, by a stream of Redis.", valueName: "redis://host:port/name"),
        transform: { text throws(InvalidOptionValue) in
            do throws(RedisPlaceError) { return try RedisPlace(text) } catch { throw InvalidOptionValue("\(error)") }
        })
    var cluster: RedisPlace?

    @Option(help: ArgumentHelp("A file with Redis's password.", valueName: "file"), completion: .file())
    var clusterPasswordFile: String?

    @Option(help: ArgumentHelp("For rediss: the authorities whom to believe.", valueName: "file"), completion: .file())
    var clusterTlsCa: String?

    @Option(help: ArgumentHelp("The server's certificate for Redis, with its chain.", valueName: "file"), completion: .file())
    var clusterTlsCertificate: String?

    @Option(help: ArgumentHelp("Its key.", valueName: "file"), completion: .file())
    var clusterTlsKey: String?

    @Option(help: ArgumentHelp("How long clients wait for a stream that is away.", valueName: "time"))
    var clusterGrace: TimeLimit = 5

    @Option(help: ArgumentHelp("What becomes of what is said after that.", valueName: "what"))
    var clusterOutage = ClusterOutage.drop

    @Option(help: ArgumentHelp("About how many entries the stream keeps.", valueName: "count"))
    var clusterLength: Count<100, 100_000_000> = 20_000

    /// What becomes of what clients say while the stream is away.
    enum ClusterOutage: String, ExpressibleByArgument, CaseIterable {
        /// Nobody hears it, and who says it is told.
        case drop
        /// Those at the same server hear it.
        case local
    }

    func validate() throws {
        if cluster != nil, !Cluster.isBuilt { throw ValidationError(Cluster.absence) }
        if cluster == nil, clusterPasswordFile != nil { throw ValidationError("--cluster-password-file needs --cluster") }
        if cluster?.usesTLS != true {
            if let option = firstOfTLS { throw ValidationError("\(option) needs a --cluster of rediss:") }
            return
        }
        if !TLSSupport.isBuilt { throw ValidationError(TLSSupport.absence) }
        if clusterTlsCa == nil {
            throw ValidationError(
                "rediss: needs --cluster-tls-ca: a file of the authorities whom to believe, such as /etc/ssl/certs/ca-certificates.crt"
            )
        }
        if (clusterTlsCertificate == nil) != (clusterTlsKey == nil) {
            throw ValidationError("--cluster-tls-certificate and --cluster-tls-key go together")
        }
    }

    private var firstOfTLS: String? {
        if clusterTlsCa != nil { return "--cluster-tls-ca" }
        if clusterTlsCertificate != nil { return "--cluster-tls-certificate" }
        return clusterTlsKey == nil ? nil : "--cluster-tls-key"
    }

    /// The password that Redis asks for: that of the file, of the environment or of the place.
    func readPassword() throws(Failure) -> String? {
        guard let cluster else { return nil }
        if let clusterPasswordFile { return try Secret.readLine(ofFile: clusterPasswordFile) }
        return try Secret.variable("CHATD_CLUSTER_PASSWORD") ?? cluster.password
    }
}
