import Glibc
import StageRuntime
import Testing

@Suite struct SecretReferenceTests {
    private func temporaryFile(_ text: String) -> String {
        let path = "/tmp/tributary-secret-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = write(descriptor, text, text.utf8.count)
        close(descriptor)
        return path
    }

    @Test func `a literal is itself and is never printed`() throws {
        let reference = SecretReference(place: .literal("tops3cret"), keyPath: "k")
        #expect(try reference.resolve() == Array("tops3cret".utf8))
        #expect(!"\(reference)".contains("tops3cret"))
    }

    @Test func `a missing variable names the key and the variable`() {
        let reference = SecretReference(place: .env("TRIBUTARY_TEST_UNSET"), keyPath: "sources[0].secrets[0].value")
        let error = #expect(throws: SecretError.self) { try reference.resolve() }
        #expect(error?.code == "secret_not_set")
        #expect(error?.sentence.hasPrefix("sources[0].secrets[0].value refers to env:TRIBUTARY_TEST_UNSET") ?? false)
    }

    @Test func `a set variable is read`() throws {
        setenv("TRIBUTARY_TEST_SET", "value", 1)
        let reference = SecretReference(place: .env("TRIBUTARY_TEST_SET"), keyPath: "k")
        #expect(try reference.resolve() == Array("value".utf8))
        #expect(reference.environmentVariable == "TRIBUTARY_TEST_SET")
    }

    @Test(arguments: [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), (" a b \n", " a b ")])
    func `the last line feed of a file is not part of the secret`(_ text: String, _ secret: String) throws {
        let path = temporaryFile(text)
        defer { unlink(path) }
        #expect(try SecretReference(place: .file(path), keyPath: "k").resolve() == Array(secret.utf8))
    }

    @Test func `a changed file counts at the next reading`() throws {
        let path = temporaryFile("old")
        defer { unlink(path) }
        let reference = SecretReference(place: .file(path), keyPath: "k")
        #expect(try reference.resolve() == Array("old".utf8))
        let descriptor = open(path, O_WRONLY | O_TRUNC)
        _ = write(descriptor, "new", 3)
        close(descriptor)
        #expect(try reference.resolve() == Array("new".utf8))
    }

    @Test(arguments: [(0o600, false), (0o400, false), (0o640, false), (0o644, true), (0o604, true), (0o602, true)])
    func `a file that others can open is said, with its mode and the way to close it`(_ mode: UInt32, _ isOpen: Bool) {
        let path = temporaryFile("tops3cret")
        defer { unlink(path) }
        #expect(chmod(path, mode) == 0)
        let exposure = SecretReference(place: .file(path), keyPath: "sources[0].secrets[0].value").exposure
        #expect((exposure != nil) == isOpen)
        guard let exposure else { return }
        #expect(exposure.hasPrefix("sources[0].secrets[0].value refers to file:\(path)"))
        #expect(exposure.contains("mode 0\(String(mode, radix: 8))") && exposure.contains("chmod 600 \(path)"))
        #expect(!exposure.contains("tops3cret"))
    }

    @Test func `missing, empty and huge files are refused`() {
        let empty = temporaryFile("\n")
        let huge = temporaryFile(String(repeating: "a", count: 70_000))
        defer {
            unlink(empty)
            unlink(huge)
        }
        for path in [empty, huge, "/nonexistent/secret", "/"] {
            #expect(throws: SecretError.self, "\(path)") {
                try SecretReference(place: .file(path), keyPath: "k").resolve()
            }
        }
    }
}
