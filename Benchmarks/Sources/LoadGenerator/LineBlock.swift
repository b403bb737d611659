import Reactor

/// Lines that are ready to be sent but for their headers. One block serves all senders: nothing is allocated for a line.
struct LineBlock: ~Copyable {
    let capacity: Int
    private let frame: Frame
    private var bytes: [UInt8] = []

    init(capacity: Int, of frame: Frame) {
        self.capacity = capacity
        self.frame = frame
        bytes.reserveCapacity(capacity * frame.count)
        for _ in 0..<capacity { bytes += frame.bytes }
    }

    /// Sends `count` consecutive lines of a sender.
    mutating func send(_ count: Int, from first: LineHeader, to connection: Connection) {
        var header = first
        unsafe bytes.withUnsafeMutableBytes { bytes in
            guard var place = bytes.baseAddress else { return }
            unsafe place += frame.lineOffset
            for index in 0..<min(count, capacity) {
                header.number = (first.number &+ UInt32(index)) & LineHeader.numberMask
                unsafe header.store(to: place, mask: frame.mask)
                unsafe place += frame.count
            }
        }
        connection.send(bytes.span.extracting(first: min(count, capacity) * frame.count))
    }
}
