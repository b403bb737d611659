import Glibc

/// Opens `/dev/null` for each standard stream that the program was started without. Otherwise a socket would get its number, and
/// what the program prints would go to a peer.
func openStandardStreams() {
    var descriptor: Int32 = 0
    // open(2) returns the lowest number that is free.
    while (0...2).contains(descriptor) { descriptor = unsafe open("/dev/null", O_RDWR) }
    if descriptor > 2 { close(descriptor) }
}
