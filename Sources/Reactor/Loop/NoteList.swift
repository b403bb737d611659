/// What has been noted down to be done at the end of a turn.
///
/// It is taken as a whole, so that what is noted meanwhile waits for the next turn; and its memory is given back for that one, so
/// that a turn allocates nothing.
package struct NoteList<Element> {
    @usableFromInline
    var noted: [Element] = []
    @usableFromInline
    var spare: [Element] = []

    @inlinable
    package init() {}

    @inlinable
    @inline(__always)
    package mutating func append(_ element: Element) {
        noted.append(element)
    }

    /// Hands over what has been noted until now. It must come back by `recycle`.
    @inlinable
    @inline(__always)
    package mutating func take() -> [Element] {
        let taken = noted
        noted = spare
        spare = []
        return taken
    }

    @inlinable
    @inline(__always)
    package mutating func recycle(_ taken: consuming [Element]) {
        taken.removeAll(keepingCapacity: true)
        spare = taken
    }
}
