import CReactorLinux

/// What a descriptor is watched for.
///
/// Hang-ups and errors are always reported along with it. With nothing to watch for, a descriptor is not watched at all, and not
/// even those are reported.
public struct Interest: OptionSet, Hashable, Sendable {
    /// One bit for each of the members below. The kernel uses other bits.
    public let rawValue: UInt8

    /// Bits that stand for none of the members below are dropped.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue & 0b111
    }

    /// There is something to read, or the end of input. The corresponding C constant is `EPOLLIN`.
    public static let readable = Interest(rawValue: 0b001)
    /// Something can be written. The corresponding C constant is `EPOLLOUT`.
    public static let writable = Interest(rawValue: 0b010)
    /// There is something out of the ordinary to read, urgent data of a TCP socket perhaps. The corresponding C constant is
    /// `EPOLLPRI`.
    public static let priority = Interest(rawValue: 0b100)

    var epollEvents: UInt32 {
        // Neither EPOLLHUP nor EPOLLERR is named: the kernel reports both, asked or not. EPOLLRDHUP is not asked for:
        // a peer that has shut its side is found by reading to the end, so nothing that it sent before is lost.
        var events: UInt32 = 0
        if contains(.readable) { events |= EPOLLIN.rawValue }
        if contains(.writable) { events |= EPOLLOUT.rawValue }
        if contains(.priority) { events |= EPOLLPRI.rawValue }
        return events
    }
}

/// What a descriptor is ready for. It may be spurious: only the system call that follows can tell.
public struct Readiness: OptionSet, Hashable, Sendable {
    /// The bits of `epoll_event.events`.
    public let rawValue: UInt32

    /// Any bits that an event may have.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// There is something to read, or the end of input. The corresponding C constant is `EPOLLIN`.
    public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    /// Something can be written. The corresponding C constant is `EPOLLOUT`.
    public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// There is something out of the ordinary to read. The corresponding C constant is `EPOLLPRI`.
    public static let priority = Readiness(rawValue: EPOLLPRI.rawValue)
    /// Both directions are shut; of a pipe, all writers are gone. There may still be something to read. It cannot be masked.
    /// The corresponding C constant is `EPOLLHUP`.
    public static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
    /// An error is pending; of a pipe, its readers are gone. It cannot be masked. The corresponding C constant is
    /// `EPOLLERR`.
    public static let error = Readiness(rawValue: EPOLLERR.rawValue)

    /// What may be reported for a descriptor that is watched for `interest`.
    init(reportedFor interest: Interest) {
        self = interest.isEmpty ? [] : Readiness(rawValue: interest.epollEvents).union([.hangUp, .error])
    }
}
