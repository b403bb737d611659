import Glibc

/// A message is a line. `\n` ends it, and `\r\n` is taken as `\n`. At the end of input the rest counts as a line.
///
/// A connection recognises this framing and parses lines faster than a framing could; it also relays a line without its carriage
/// return.
public struct LineFraming: Framing, Hashable {
    /// Makes what `lines` is, which reads better where the type is known.
    public init() {}

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        bytes.firstIndex(of: UInt8(ascii: "\n"), from: seen).map { .length($0 + 1) } ?? .unknown
    }

    public func content(of message: Span<UInt8>) -> Range<Int> {
        let end = message.count - 1
        return 0..<(end > 0 && message[end - 1] == UInt8(ascii: "\r") ? end - 1 : end)
    }

    /// The content and a newline. A content with newlines in it becomes several messages.
    public func appendMessage(_ content: Span<UInt8>, to output: inout [UInt8]) -> Bool {
        output.append(content)
        output.append(UInt8(ascii: "\n"))
        return true
    }

    public var maximumEnvelopeLength: Int { 2 }
}

extension Framing where Self == LineFraming {
    /// A message is a line. `\n` ends it, and `\r\n` is taken as `\n`. At the end of input the rest counts as a line.
    public static var lines: LineFraming { LineFraming() }
}

/// A message is what one read has brought, byte for byte: `EventLoop.Configuration.readSize` bytes at most. No chunk is too long.
public struct ChunkFraming: Framing, Hashable {
    /// Makes what `chunks` is, which reads better where the type is known.
    public init() {}

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(bytes.count) }

    public var maximumEnvelopeLength: Int { 0 }
}

extension Framing where Self == ChunkFraming {
    /// A message is what one read has brought, byte for byte. No chunk is too long.
    public static var chunks: ChunkFraming { ChunkFraming() }
}

/// A message is what precedes a NUL, a byte that is 0; it may have no bytes at all. What follows the last NUL is no message.
///
/// The end of a message that is too long is not known, so the connection is closed, whatever its handler decides.
public struct NULTerminatedFraming: Framing, Hashable {
    /// Makes what `nulTerminated` is, which reads better where the type is known.
    public init() {}

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        bytes.firstIndex(of: 0, from: seen).map { .length($0 + 1) } ?? .unknown
    }

    public func content(of message: Span<UInt8>) -> Range<Int> { 0..<message.count - 1 }

    /// The content and a NUL. A content with NULs in it is no message.
    public func appendMessage(_ content: Span<UInt8>, to output: inout [UInt8]) -> Bool {
        if content.firstIndex(of: 0, from: 0) != nil { return false }
        output.append(content)
        output.append(0)
        return true
    }

    public var maximumEnvelopeLength: Int { 1 }
}

extension Framing where Self == NULTerminatedFraming {
    /// A message is what precedes a NUL, a byte that is 0.
    public static var nulTerminated: NULTerminatedFraming { NULTerminatedFraming() }
}

extension Span<UInt8> {
    /// The corresponding C function is `memchr`.
    func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        unsafe withUnsafeBufferPointer { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = unsafe memchr(base + start, Int32(byte), bytes.count &- start)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }
}
