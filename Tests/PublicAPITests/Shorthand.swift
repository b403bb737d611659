import ChatReactor

extension Connection.Options {
    /// What differs from what it is otherwise.
    static func with(_ change: (inout Self) -> Void) -> Self {
        var options = Self()
        change(&options)
        return options
    }

    static func framed(_ framing: any Framing, longest: Int? = nil) -> Self {
        .with {
            $0.framing = framing
            if let longest { $0.maximumMessageLength = longest }
        }
    }
}

extension EventLoop.Configuration {
    static func with(_ change: (inout Self) -> Void) -> Self {
        var configuration = Self()
        change(&configuration)
        return configuration
    }
}

extension Topic.Configuration {
    static func with(_ change: (inout Self) -> Void) -> Self {
        var configuration = Self()
        change(&configuration)
        return configuration
    }
}

func array(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }

func text(_ span: Span<UInt8>) -> String { String(decoding: array(span), as: UTF8.self) }

// The macros of a test take no spans.

extension Framing {
    func extent(of bytes: [UInt8], seen: Int = 0) -> MessageExtent { messageExtent(in: bytes.span, seen: seen) }
    func content(of message: [UInt8]) -> Range<Int> { content(of: message.span) }
}

extension LengthPrefixedFraming {
    func frame(_ content: [UInt8]) -> [UInt8]? { frame(content.span) }
}

extension Topic {
    @discardableResult
    func publish(_ bytes: [UInt8], from sender: Connection? = nil) -> Bool { publish(bytes.span, from: sender) }
}
