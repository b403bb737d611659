/// A page that a ``ChatServer`` serves to browsers at `/`.
///
/// In the text, `{{nonce}}` stands for a number that is another one in each response. Only styles and scripts that have it as their `nonce` are
/// used by the browser, so what somebody says cannot become one, whatever the page does with it.
public struct WebPage: Sendable {
    private let parts: [[UInt8]]
    private let contentSecurityPolicy: String

    /// What the page that comes with the library needs: its own style and script, and a connection to where it comes from.
    public static var strictContentSecurityPolicy: String {
        "default-src 'none'; script-src 'nonce-{{nonce}}'; style-src 'nonce-{{nonce}}'; connect-src 'self'; img-src data:; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    /// A page of one's own.
    ///
    /// - Parameters:
    ///   - html: The page, which begins with `<!DOCTYPE html>`.
    ///   - contentSecurityPolicy: What it may do, as browsers are told.
    public init(html: String, contentSecurityPolicy: String = Self.strictContentSecurityPolicy) {
        self.init(Array(html.utf8), contentSecurityPolicy)
    }

    /// The page that comes with the library: a chat for people, and in the relay profile one of plain lines.
    public static let standard = WebPage(PackageResources.page_html, strictContentSecurityPolicy)

    private init(_ html: [UInt8], _ contentSecurityPolicy: String) {
        parts = html.split(separator: Array(Self.placeholder.utf8), omittingEmptySubsequences: false).map(Array.init)
        self.contentSecurityPolicy = contentSecurityPolicy
    }

    private static let placeholder = "{{nonce}}"

    /// The page and its policy, with the number in them.
    func filled(with nonce: String) -> (html: [UInt8], contentSecurityPolicy: String) {
        (Array(parts.joined(separator: nonce.utf8)), contentSecurityPolicy.replacing(Self.placeholder, with: nonce))
    }
}
