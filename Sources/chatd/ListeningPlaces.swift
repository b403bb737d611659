import ChatCommandLine
import ChatReactor
import Glibc

/// Where the daemon listens for one purpose: for each endpoint, its addresses.
struct ListeningPlaces {
    private let places: [[SocketAddress]]
    /// Who may connect to a path.
    private var permissions: [SocketAddress: UnixPermissions] = [:]

    typealias Listen = (SocketAddress, UnixPermissions) throws(Errno) -> Listener

    /// Looks the hosts up, which may take long.
    init(_ named: [ListeningPlace]) throws {
        var places: [[SocketAddress]] = []
        for place in named {
            do throws(EndpointError) {
                places.append(try place.endpoint.resolve())
            } catch {
                throw Failure("\(error)", code: EX_NOHOST)
            }
            if case .unix(let path) = place.endpoint { permissions[.unix(path: path)] = try place.permissions() }
        }
        self.places = places
    }

    /// Listens at all places. If one cannot be had, this throws, and the other listeners stay.
    ///
    /// - Parameter listen: Listens at one address, as a path with these permissions.
    func listen(_ listen: Listen) throws(Failure) -> [Listener] {
        var listeners: [Listener] = []
        // The kernel refuses a second listener at one address. Two endpoints may have an address in common: 0.0.0.0 is one of
        // the two addresses that [::] stands for. And a listener at 0.0.0.0 serves 127.0.0.1 as well.
        let wildcards = Set(places.joined().filter { $0 == $0.wildcard })
        var served: Set<SocketAddress> = []
        for place in places {
            let addresses = place.filter { address in
                // Port 0 is another port each time.
                if address.port == 0 { return true }
                return !served.contains(address) && (address == address.wildcard || !wildcards.contains(address.wildcard))
            }
            let ofPlace = try self.listen(listen, at: addresses, isServed: addresses.count < place.count)
            served.formUnion(ofPlace.map(\.address))
            listeners += ofPlace
        }
        return listeners
    }

    /// Listens at the addresses of one place. If the kernel picks the port, it is the same for all of them.
    ///
    /// - Parameter isServed: Whether the place has other addresses, at which a listener is already.
    private func listen(
        _ listen: Listen, at addresses: [SocketAddress], isServed: Bool
    ) throws(Failure) -> [Listener] {
        // The kernel picks a port that is free at the first address. Listeners whose port another program has at the next one
        // are kept until there is a better port, so that the kernel does not pick theirs again.
        var useless: [Listener] = []
        defer { for listener in useless { listener.close() } }
        nextPort: while true {
            var listeners: [Listener] = []
            var failure: Failure?
            for address in addresses {
                let wanted = address.port == 0 ? address.withPort(listeners.first?.address.port ?? 0) : address
                do throws(Errno) {
                    listeners.append(try listen(wanted, permissions[wanted] ?? .init()))
                } catch {
                    if error == .addressInUse, address.port == 0, !listeners.isEmpty, useless.count < 100 {
                        useless += listeners
                        continue nextPort
                    }
                    if error == .noMemory {
                        throw Failure(
                            "cannot listen on \(wanted): \(error), as for the logs if these do not fit", code: EX_CONFIG)
                    }
                    let code = error == .permissionDenied || error == .notPermitted ? EX_NOPERM : EX_UNAVAILABLE
                    // What the kernel does not permit of a path is to give it away.
                    let isGift = error == .notPermitted && permissions[wanted].map { $0.owner != nil || $0.group != nil } == true
                    let action = isGift ? "cannot give \(wanted) this owner or group" : "cannot listen on \(wanted)"
                    let reason = Failure("\(action): \(error)", code: code)
                    // A machine may serve one family alone. One address of a host is enough.
                    guard error == .addressNotAvailable || error == .addressFamilyNotSupported else { throw reason }
                    failure = reason
                }
            }
            if listeners.isEmpty, !isServed, let failure { throw failure }
            return listeners
        }
    }
}

extension SocketAddress {
    /// The address that stands for every address of the same family, at the same port; for a path, that path.
    fileprivate var wildcard: SocketAddress {
        switch self {
        case .ipv4(_, let port): .ipv4(address: 0, port: port)
        case .ipv6(_, _, let port, _): .ipv6(high: 0, low: 0, port: port, scope: 0)
        case .unix: self
        }
    }
}
