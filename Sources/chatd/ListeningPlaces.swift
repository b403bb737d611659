import ChatReactor
import CommandLineSupport
import Glibc

/// Where the daemon listens: for each endpoint on the command line, its addresses.
struct ListeningPlaces {
    private let places: [[SocketAddress]]

    /// Looks the hosts up, which may take long.
    init(of options: Chatd) throws {
        let endpoints = options.listen.isEmpty ? [.tcp(host: "localhost", port: options.port)] : options.listen
        do throws(EndpointError) {
            var places: [[SocketAddress]] = []
            for endpoint in endpoints { places.append(try endpoint.resolve()) }
            self.places = places
        } catch {
            throw Failure("\(error)", code: EX_NOHOST)
        }
    }

    /// Listens at all places. If one cannot be had, this throws, and the other listeners stay.
    func listen(_ server: ChatServer) throws -> [Listener] {
        var listeners: [Listener] = []
        // Two endpoints may have an address in common: 0.0.0.0 and [::], which means both families. A port 0 is another one each time.
        var taken: Set<SocketAddress> = []
        for place in places {
            var failure: Failure?
            var ofPlace: [Listener] = []
            let addresses = place.filter { $0.port == 0 || !taken.contains($0) }
            for address in addresses {
                // The kernel picks the port of the first address, and the others get the same.
                let wanted = address.port == 0 ? address.withPort(ofPlace.first?.address.port ?? 0) : address
                do throws(Errno) {
                    ofPlace.append(try server.listen(on: wanted))
                    taken.insert(wanted)
                } catch {
                    let code = error == .permissionDenied ? EX_NOPERM : EX_UNAVAILABLE
                    let reason = Failure("cannot listen on \(wanted): \(error)", code: code)
                    // A machine may serve one family alone. One address of a host is enough.
                    guard error == .addressNotAvailable || error == .addressFamilyNotSupported else { throw reason }
                    failure = reason
                }
            }
            if ofPlace.isEmpty, addresses.count == place.count, let failure { throw failure }
            listeners += ofPlace
        }
        return listeners
    }
}
