/// Elements that wait for the end of a turn.
///
/// A drain visits the elements that are there when it begins; what is appended meanwhile waits for the next one. The memory of
/// the list is used again, so a turn allocates nothing.
///
/// **Releasing.** The list may hold the last reference to an element, and the element's deinit may run an embedder's code, which
/// appends to this same list. So no element is ever released while the list is being accessed: elements are moved to a local
/// array first, and are released there. Releasing them in place would end the process with "Simultaneous accesses".
package final class DeferredList<Element> {
    @usableFromInline
    var waiting: [Element] = []
    /// Empty memory for the next drain.
    @usableFromInline
    var spare: [Element] = []

    @inlinable
    package init() {}

    @inlinable
    @inline(__always)
    package func append(_ element: Element) {
        waiting.append(element)
    }

    /// Calls `body` with each element, and removes all of them. `body` may append, and may drain the list itself.
    ///
    /// - Complexity: O(*n*) for *n* elements.
    @inlinable
    package func drain(_ body: (Element) -> Void) {
        var taken: [Element] = []
        swap(&taken, &spare)
        swap(&taken, &waiting)
        // By index: an iterator would hold a second reference to the array, and emptying it would allocate a new one.
        var index = 0
        while index < taken.count {
            body(taken[index])
            index &+= 1
        }
        taken.removeAll(keepingCapacity: true)
        swap(&taken, &spare)
    }

    /// Removes all elements.
    ///
    /// - Complexity: O(*n*) for *n* elements.
    package func removeAll() {
        drain { _ in }
    }
}
