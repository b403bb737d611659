/// A message that owns its bytes: it can be kept, and can cross threads.
///
/// The messages of one read share its bytes, so that a read costs two allocations, however many messages it brings. So a message
/// that is kept for long keeps the bytes of all: make an array or a text of it instead.
public struct Message: Sendable {
    fileprivate struct Place {
        let wire: Range<UInt32>
        let content: Range<UInt32>
    }

    private let read: [UInt8]
    private let place: Place

    fileprivate init(at place: Place, in read: [UInt8]) {
        self.read = read
        self.place = place
    }

    /// The content: a line without its newline, or a message without the length in front. Its indices do not begin at 0.
    public var content: ArraySlice<UInt8> { read[Int(place.content.lowerBound)..<Int(place.content.upperBound)] }

    /// The message as it is relayed, with its envelope: a line with its newline. Its indices do not begin at 0.
    public var wireBytes: ArraySlice<UInt8> { read[Int(place.wire.lowerBound)..<Int(place.wire.upperBound)] }

    /// The content as a text. Bytes that are no valid UTF-8 are replaced by U+FFFD.
    public var text: String { String(decoding: content, as: UTF8.self) }
}

/// Messages that were read and that wait for a task, first in, first out. Without any, it owns no memory.
struct ReceivedMessages {
    private var bytes: [UInt8] = []
    private var places: [Message.Place] = []
    private var next = 0

    mutating func append(_ messages: borrowing MessageBatch) {
        let base = bytes.count &- messages.wireOffset(of: 0)
        func place(from start: Int, to end: Int) -> Range<UInt32> {
            unsafe Range(uncheckedBounds: (UInt32(truncatingIfNeeded: base &+ start), UInt32(truncatingIfNeeded: base &+ end)))
        }
        places.reserveCapacity(places.count &+ messages.count)
        for index in 0..<messages.count {
            let content = messages.contentRange(of: index)
            places.append(
                Message.Place(
                    wire: place(from: messages.wireOffset(of: index), to: messages.wireOffset(of: index &+ 1)),
                    content: place(from: content.lowerBound, to: content.upperBound)))
        }
        messages.withWireBytes { span in
            unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        }
    }

    mutating func popFirst() -> Message? {
        guard next < places.count else { return nil }
        let message = Message(at: places[next], in: bytes)
        next &+= 1
        if next == places.count { self = ReceivedMessages() }
        return message
    }
}
