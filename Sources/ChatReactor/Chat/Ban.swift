import ChatReactorText

/// That somebody may not be in a chat, until an end or for good.
public struct Ban: Hashable, Sendable {
    /// Who is meant.
    public enum Subject: Hashable, Sendable {
        /// Whoever wants to be called so.
        case name(ChatName)
        /// Whoever comes from one of these addresses.
        case addresses(AddressBlock)
    }

    /// Whom it is about.
    public let subject: Subject
    /// One line, which those who are banned are told; empty for none.
    public let reason: String
    /// When it ends, in milliseconds since the beginning of 1970, UTC; nil if it does not.
    let end: Int64?

    /// A ban that begins now.
    ///
    /// - Parameters:
    ///   - subject: Who is meant.
    ///   - duration: How long it lasts; nil for good.
    ///   - reason: One line. What could harm a terminal is made visible.
    public init(_ subject: Subject, for duration: Duration? = nil, reason: String = "") {
        self.init(subject, end: duration.map { Self.end(of: $0) }, reason: reason)
    }

    private static func end(of duration: Duration) -> Int64 {
        // What lasts longer than this lasts for good, and is over sooner than the numbers are.
        let century = Duration.seconds(100 * 366 * 86_400)
        return Timestamp.now + Int64(min(max(duration, .zero), century) / .milliseconds(1))
    }

    init(_ subject: Subject, end: Int64?, reason: String) {
        self.subject = subject
        self.end = end
        self.reason = String(madeVisible: reason).trimmed
    }

    /// How long it lasts from now on; nil for good.
    public var remaining: Duration? { end.map { .milliseconds(max($0 - Timestamp.now, 0)) } }

    func isOver(at time: Int64) -> Bool { end.map { $0 <= time } ?? false }

    /// What somebody is told who is kept out by it.
    var notice: String { reason.isEmpty ? "banned" : "banned: \(reason)" }
}

extension Ban.Subject: CustomStringConvertible {
    /// Reads a name, an address or a block of addresses. What has a point, a colon or a slash in it, as no name has, is an address.
    ///
    /// - Throws: What is wrong with it.
    init(_ text: String) throws(Invalid) {
        if text.utf8.contains(where: { ".:/".utf8.contains($0) }) {
            do throws(AddressBlock.Invalid) { self = .addresses(try AddressBlock(text)) } catch { throw .init("\(error)") }
        } else {
            do throws(ChatName.Invalid) { self = .name(try ChatName(text)) } catch { throw .init("\(error)") }
        }
    }

    struct Invalid: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    /// The name, the address or the block.
    public var description: String {
        switch self {
        case .name(let name): name.text
        case .addresses(let block): block.description
        }
    }
}
