#if TLS
    import ReactorTLS
    import TestSupport
    import Testing

    /// What cannot be used as a certificate and its key is refused, and the words say which file it is and why.
    @Suite(.enabled(if: TestCertificates.canBeMade))
    struct TLSIdentityTests {
        private func refusal(_ certificate: String, _ key: String) throws -> String {
            let error = #expect(throws: TLSError.self) { try TLSIdentity(certificateFile: certificate, keyFile: key) }
            return try #require(error).description
        }

        private func file(_ text: String) throws -> TemporaryPath {
            let path = TemporaryPath()
            try path.write(text)
            return path
        }

        @Test func refused() throws {
            let fixture = try TLSFixture()
            let (certificates, authority) = (fixture.certificates, fixture.authority)
            let (one, two) = (try certificates.issue("one", by: authority), try certificates.issue("two", by: authority))
            #expect(
                try refusal(one.certificateFile, two.keyFile)
                    == "cannot use the key \(two.keyFile): it is not the key of the certificate \(one.certificateFile)")
            let nowhere = TemporaryPath().path
            let reason = "No such file or directory"
            #expect(try refusal(nowhere, one.keyFile) == "cannot read the certificate \(nowhere): \(reason)")
            #expect(try refusal(one.certificateFile, nowhere) == "cannot read the key \(nowhere): \(reason)")
            #expect(try refusal(one.keyFile, one.keyFile).hasSuffix("there is no certificate in it"))
            #expect(
                try refusal(one.certificateFile, one.certificateFile).hasSuffix(
                    "there is no private key in it that OpenSSL knows"))
            let empty = try file("")
            #expect(
                try refusal(empty.path, one.keyFile) == "cannot read the certificate \(empty.path): there is no certificate in it"
            )
            let damaged = try file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            #expect(
                try refusal(damaged.path, one.keyFile).hasPrefix("cannot read the certificate \(damaged.path): it is damaged: "))
            // It must not be asked for at the terminal.
            let encrypted = certificates.path("encrypted.key")
            let process = try ChildProcess(
                "openssl", ["pkey", "-in", one.keyFile, "-aes256", "-passout", "pass:secret", "-out", encrypted])
            #expect(try process.waitForEnd() == .exit(0))
            #expect(try refusal(one.certificateFile, encrypted) == "cannot read the key \(encrypted): it is encrypted")
        }

        @Test func bothInOneFile() throws {
            let fixture = try TLSFixture()
            let one = try fixture.certificates.issue("both", subject: "both", by: fixture.authority)
            var text = ""
            for path in [one.keyFile, one.certificateFile] {
                let process = try ChildProcess("cat", [path])
                text += String(decoding: try process.output.all(), as: UTF8.self)
                #expect(try process.waitForEnd() == .exit(0))
            }
            let both = try file(text)
            #expect(try TLSIdentity(certificateFile: both.path, keyFile: both.path).certificate.name == "both")
        }
    }
#endif
