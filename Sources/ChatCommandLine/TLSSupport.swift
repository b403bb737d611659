/// Whether the programs have TLS, which the package's trait of that name gives them. Without it, their options for it are there all the same,
/// and say that.
public enum TLSSupport {
    #if TLS
        public static let isBuilt = true
    #else
        public static let isBuilt = false
    #endif

    /// What a program says that was asked for TLS and has none.
    public static let absence = "this build has no TLS; one that has is made by swift build --traits TLS"
}
