/// Bytes that wait for a socket to take them, first in, first out. While nothing waits it owns no memory.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var head: UInt32 = 0

    var count: Int { bytes.count - Int(head) }
    var isEmpty: Bool { bytes.isEmpty }

    mutating func append(_ new: UnsafeBufferPointer<UInt8>) {
        unsafe bytes.append(contentsOf: new)
    }

    mutating func removeFirst(_ count: Int) {
        head += UInt32(count)
        assert(head <= bytes.count)
        if head == bytes.count {
            bytes = []
            head = 0
        } else if head > bytes.count / 2 {
            // At least as many bytes have left as are moved now: each byte is moved once at most, on the average.
            bytes.removeFirst(Int(head))
            head = 0
        }
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[Int(head)...])) }
    }
}
