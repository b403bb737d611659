import ArgumentParser
import ChatCommandLine
import ChatReactor
import Glibc

/// The options that say who may come in.
struct AccessOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many clients there may be. (default: by descriptors)", valueName: "n"))
    var maxConnections: Count<1, 1_000_000>?

    @Option(help: ArgumentHelp("How many from an address, or a /64 of IPv6.", valueName: "n"))
    var maxPerAddress: Count<1, 1_000_000>?

    @Option(help: ArgumentHelp("How many times a minute an address may connect.", valueName: "n"))
    var connectRate: Count<1, 1_000_000>?

    @Option(
        help: ArgumentHelp("Let these in alone; repeatable; also CIDR, @FILE.", valueName: "address"),
        transform: { try AddressSource($0) })
    var allow: [AddressSource] = []

    @Option(
        help: ArgumentHelp("Keep these out; repeatable; beats --allow.", valueName: "address"),
        transform: { try AddressSource($0) })
    var deny: [AddressSource] = []

    @Option(
        help: ArgumentHelp("These are proxies that name the caller; repeatable.", valueName: "address"),
        transform: { try AddressSource($0) })
    var proxyProtocol: [AddressSource] = []

    /// Whether nothing keeps a stranger from taking all that there is. To deny some is no limit to the others.
    var isUnlimited: Bool { maxConnections == nil && maxPerAddress == nil && connectRate == nil && allow.isEmpty }

    /// What the options say.
    func rules() throws(Failure) -> AccessRules {
        var rules = AccessRules()
        rules.maximumConnections = maxConnections?.value
        rules.maximumPerAddress = maxPerAddress?.value
        rules.connectRate = connectRate?.value
        rules.list = try list()
        rules.proxies = try proxies()
        return rules
    }

    /// Who may come in at all. Reads the files of addresses.
    func list() throws(Failure) -> AccessList {
        AccessList(allowing: allow.isEmpty ? nil : try Self.blocks(of: allow), denying: try Self.blocks(of: deny))
    }

    /// Which callers are proxies. Reads the files of addresses.
    func proxies() throws(Failure) -> [AddressBlock] { try Self.blocks(of: proxyProtocol) }

    static func blocks(of sources: [AddressSource]) throws(Failure) -> [AddressBlock] {
        var blocks: [AddressBlock] = []
        for source in sources { blocks += try source.blocks() }
        return blocks
    }
}

/// Addresses as an option names them: an address, a block of addresses, or a file of these, written `@FILE`.
enum AddressSource {
    case block(AddressBlock)
    case file(String)

    init(_ argument: String) throws {
        if argument.utf8.first == UInt8(ascii: "@") {
            self = .file(String(Substring(argument.utf8.dropFirst())))
        } else {
            self = .block(try AddressBlock(argument))
        }
    }

    /// The path of a file of addresses.
    var file: String? { if case .file(let path) = self { path } else { nil } }

    func blocks() throws(Failure) -> [AddressBlock] {
        switch self {
        case .block(let block): return [block]
        case .file(let path):
            do throws(AddressFileError) {
                return try AddressBlock.blocks(inFile: path)
            } catch {
                throw Failure("\(error)", code: Failure.code(forReading: error.error))
            }
        }
    }
}
