import ArgumentParser
import ChatCommandLine
import ChatReactor

/// The options of places for browsers.
struct WebOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A page whose visitors may come, too; repeatable.", valueName: "origin"),
        transform: { try WebOrigin($0) })
    var webOrigin: [WebOrigin] = []

    @Option(
        help: ArgumentHelp("These are HTTP proxies that name the caller; repeatable.", valueName: "address"),
        transform: { try AddressSource($0) })
    var webProxy: [AddressSource] = []

    /// Which callers are proxies. Reads the files of addresses.
    func proxies() throws(Failure) -> [AddressBlock] { try AccessOptions.blocks(of: webProxy) }

    /// The pages, as browsers name them.
    var origins: [String] { webOrigin.map(\.text) }
}

/// Where a page comes from, as browsers say in `Origin`: `https://chat.example.org`, or with a port.
struct WebOrigin {
    let text: String

    init(_ argument: String) throws {
        // As browsers write it: in lower case, and without the port that the scheme has anyway.
        var origin = argument.lowercased()[...]
        if origin.hasSuffix("/") { origin = origin.dropLast() }
        let scheme = ["https://", "http://"].first(where: origin.hasPrefix)
        let port = scheme == "https://" ? ":443" : ":80"
        if origin.hasSuffix(port) { origin = origin.dropLast(port.count) }
        let host = origin.dropFirst(scheme?.count ?? 0)
        guard scheme != nil, !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/@?#".utf8.contains($0) }) else {
            throw ValidationError("'\(argument)' is no origin; write https://chat.example.org, for example")
        }
        text = String(origin)
    }
}
