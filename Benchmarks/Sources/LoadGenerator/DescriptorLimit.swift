import Glibc

/// How many connections the process can have: the limit that a shell sets by default is low.
public enum DescriptorLimit {
    /// What the process needs besides its connections.
    private static let overhead = 32

    /// The corresponding C functions are `getrlimit` and `setrlimit`.
    public static func raise(toHold connections: Int) throws {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(resource, &limit)
        if limit.rlim_cur < rlim_t(connections + overhead) {
            throw LoadFailure(
                "\(connections) connections need more than the \(limit.rlim_max) files that a process may open here")
        }
    }
}
