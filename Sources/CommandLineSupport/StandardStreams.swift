import Glibc

/// Opens `/dev/null` for each standard stream that the program was started without. A socket would take the number otherwise, and
/// get what is meant for people.
func openStandardStreams() {
    var descriptor: Int32 = 0
    // The lowest number that is free is the one that is taken.
    while (0...2).contains(descriptor) { descriptor = unsafe open("/dev/null", O_RDWR) }
    if descriptor > 2 { close(descriptor) }
}
