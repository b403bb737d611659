#if TLS
    @testable import Reactor
    import ReactorTLS

    /// One side of TLS without a socket: bytes from the peer in, bytes for the peer out.
    final class TLSEnd {
        let transport: any Transport
        private(set) var isEstablished = false
        private(set) var failure: TransportFailure?
        /// What the peer has said, opened.
        private(set) var plaintext: [UInt8] = []

        init(_ factory: TransportFactory, as role: TransportRole) throws {
            transport = try factory.makeTransport(role)
        }

        var hasEnded: Bool { transport.hasEnded }

        /// Takes what the peer has sent, and returns what it is to be answered.
        func take(_ input: some Collection<UInt8>) -> [UInt8] {
            var answer: [UInt8] = []
            withWire(input) { wire in
                do throws(TransportFailure) {
                    while !isEstablished {
                        isEstablished = try transport.establish(&wire)
                        let isFull = wire.isFull
                        empty(&wire, into: &answer)
                        if !isEstablished, !isFull { return }
                    }
                    try open(&wire, &answer)
                } catch {
                    failure = error
                    empty(&wire, into: &answer)
                }
            }
            return answer
        }

        private func open(_ wire: inout TransportWire, _ answer: inout [UInt8]) throws(TransportFailure) {
            while true {
                let before = wire.inputCount
                var room = [UInt8](repeating: 0, count: 20_000)
                var count = 0
                var failure: TransportFailure?
                unsafe room.withUnsafeMutableBytes { room in
                    do throws(TransportFailure) { count = unsafe try transport.open(&wire, into: room) } catch { failure = error }
                }
                empty(&wire, into: &answer)
                if let failure { throw failure }
                plaintext += room.prefix(count)
                if count == 0, wire.inputCount == before { return }
            }
        }

        /// Seals bytes.
        func seal(_ bytes: [UInt8]) throws -> [UInt8] {
            var (sealed, taken) = ([UInt8](), 0)
            while taken < bytes.count {
                var failure: TransportFailure?
                withWire([]) { wire in
                    unsafe bytes.withUnsafeBytes { all in
                        do throws(TransportFailure) {
                            taken += unsafe try transport.seal(UnsafeRawBufferPointer(rebasing: all[taken...]), &wire)
                        } catch {
                            failure = error
                        }
                    }
                    empty(&wire, into: &sealed)
                }
                if let failure { throw failure }
            }
            return sealed
        }

        func sealEnd() -> [UInt8] {
            var sealed: [UInt8] = []
            withWire([]) { wire in
                transport.sealEnd(&wire)
                empty(&wire, into: &sealed)
            }
            return sealed
        }

        private func empty(_ wire: inout TransportWire, into bytes: inout [UInt8]) {
            unsafe wire.emptyOutput { unsafe bytes += $0 }
        }

        private func withWire(_ input: some Collection<UInt8>, _ body: (inout TransportWire) -> Void) {
            let output = UnsafeMutableRawBufferPointer.allocate(byteCount: WireBuffer.outputSize, alignment: 16)
            defer { unsafe output.deallocate() }
            unsafe Array(input).withUnsafeBytes { input in
                var wire = unsafe TransportWire(input: input, output: output)
                body(&wire)
            }
        }
    }

    /// A server and a client that are connected by nothing but calls.
    struct TLSPair {
        let server: TLSEnd
        let client: TLSEnd

        init(_ server: TLSServer, _ client: TLSClient, host: String = "localhost") throws {
            self.server = try TLSEnd(server.transport, as: .server)
            self.client = try TLSEnd(client.transport(host: host), as: .client)
        }

        /// Passes on all that the two have to say to each other, once `bytes` of the client have come to the server.
        func exchange(_ bytes: [UInt8], changing change: ([UInt8]) -> [UInt8] = { $0 }) {
            var bytes = bytes
            while !bytes.isEmpty {
                let answer = server.take(change(bytes))
                bytes = answer.isEmpty ? [] : client.take(answer)
            }
        }

        func establish() { exchange(client.take([])) }
    }
#endif
