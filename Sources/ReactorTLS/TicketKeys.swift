#if TLS
    import CReactorOpenSSL
    import Synchronization

    /// The keys that seal session tickets. A client that comes back shows its ticket, and is spared the most of a handshake.
    ///
    /// Whoever gets a key can read what was said in sessions that its tickets stand for, of TLS 1.2 at least. So a key seals for an hour, and is
    /// known for one more.
    final class TicketKeys: Sendable {
        static let lifetime = Duration.seconds(3_600)

        private struct Key {
            /// What the ticket says which key has sealed it: 16 bytes.
            var name = TicketKeys.random(16)
            var aes = TicketKeys.random(32)
            var hmac = TicketKeys.random(32)
            let made = ContinuousClock.now
        }

        /// The newest first.
        private let keys = Mutex<[Key]>([])

        private static func random(_ count: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            let result = unsafe RAND_bytes(&bytes, Int32(count))
            precondition(result == 1, "OpenSSL has no random numbers")
            return bytes
        }

        /// What OpenSSL asks for each ticket. Returns what its callback returns: 1 for a key, 2 for one that is not to seal any more, so that the
        /// client gets a new ticket, 0 for none, and -1 for an error.
        func use(
            name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer,
            seals: Bool
        ) -> Int32 {
            let now = ContinuousClock.now
            let (found, isOld): (Key?, Bool) = keys.withLock { keys in
                keys.removeAll { $0.made.duration(to: now) >= Self.lifetime * 2 }
                if seals {
                    if let first = keys.first, first.made.duration(to: now) < Self.lifetime { return (first, false) }
                    let new = Key()
                    keys.insert(new, at: 0)
                    return (new, false)
                }
                let known = unsafe UnsafeBufferPointer(start: name, count: 16)
                let key = keys.first { unsafe $0.name.elementsEqual(known) }
                return (key, key.map { $0.made.duration(to: now) >= Self.lifetime } ?? false)
            }
            guard var key = found else { return 0 }
            if seals {
                unsafe name.update(from: key.name, count: 16)
                if unsafe RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1 { return -1 }
            }
            if unsafe copenssl_use_ticket_key(cipher, mac, &key.aes, &key.hmac, iv, seals ? 1 : 0) != 1 { return -1 }
            return isOld ? 2 : 1
        }
    }
#endif
