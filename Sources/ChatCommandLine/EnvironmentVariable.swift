import Glibc

/// The value of a variable of the environment; nil if it is not set. The corresponding C function is `getenv`.
public func environmentVariable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
