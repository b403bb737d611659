import CLinux

/// What a descriptor is watched for.
package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let readable = Interest(rawValue: 1)
    package static let writable = Interest(rawValue: 2)
    /// Reported once for each time that it becomes ready, not for as long as it is. For the waker alone.
    package static let edgeTriggered = Interest(rawValue: 4)

    var epollEvents: UInt32 {
        // Neither EPOLLHUP nor EPOLLERR is named: the kernel reports both, asked or not. EPOLLRDHUP is not asked for:
        // a peer that has shut its side is found by reading to the end, so nothing that it sent before is lost.
        var events: UInt32 = 0
        if contains(.readable) { events |= EPOLLIN.rawValue }
        if contains(.writable) { events |= EPOLLOUT.rawValue }
        if contains(.edgeTriggered) { events |= EPOLLET.rawValue }
        return events
    }
}

/// What a descriptor turned out to be ready for. May be spurious: only the system call that follows knows.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// Both directions are shut. It cannot be masked.
    package static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
    /// An error waits to be fetched. It cannot be masked.
    package static let error = Readiness(rawValue: EPOLLERR.rawValue)
}
