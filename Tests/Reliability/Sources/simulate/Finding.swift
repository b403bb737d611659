/// A promise that was not kept.
struct Finding: Error, Equatable {
    /// The promise, in words that do not depend on the scenario: what stays the same while the scenario is made smaller.
    let kind: String
    let detail: String

    init(_ kind: String, _ detail: String = "") {
        self.kind = kind
        self.detail = detail
    }

    /// As it travels from one process to another.
    var text: String { "\(kind)\t\(detail)" }

    init(text: String) {
        let parts = text.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
        kind = String(parts.first ?? "")
        detail = parts.count > 1 ? String(parts[1]) : ""
    }
}

extension Finding: CustomStringConvertible {
    var description: String { detail.isEmpty ? kind : "\(kind): \(detail)" }
}
