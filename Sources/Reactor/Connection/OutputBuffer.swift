/// Bytes that wait for a socket to take them, first in, first out. While nothing waits it owns no memory.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var head: UInt32 = 0

    var count: Int { bytes.count &- Int(head) }
    var isEmpty: Bool { bytes.isEmpty }

    mutating func append(_ new: UnsafeBufferPointer<UInt8>) {
        unsafe bytes.append(contentsOf: new)
    }

    mutating func removeFirst(_ count: Int) {
        let gone = Int(head) &+ count
        assert(gone <= bytes.count)
        if gone >= bytes.count {
            bytes = []
            head = 0
        } else if let newHead = UInt32(exactly: gone), gone <= bytes.count / 2 {
            head = newHead
        } else {
            // At least as many bytes have left as are moved now: each byte is moved once at most, on the average.
            bytes.removeFirst(gone)
            head = 0
        }
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[Int(head)...])) }
    }
}
