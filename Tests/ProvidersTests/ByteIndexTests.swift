import Primitives
import Testing

@testable import Normalisation

struct ByteIndexTests {
    @Test func `every name is found at its place and no other`() {
        let names = ["stream", "fastpix", "a", "aa", "ab", "b", ""].map { Array($0.utf8) }
        let index = ByteIndex(names)
        for (place, name) in names.enumerated() {
            #expect(name.withUnsafeBytes { index.place(of: $0) } == place)
        }
        for other in ["s", "streams", "aaa", "c", "\0"] {
            #expect(Array(other.utf8).withUnsafeBytes { index.place(of: $0) } == nil)
        }
    }

    @Test func `an empty index finds nothing`() {
        #expect(Array("a".utf8).withUnsafeBytes { ByteIndex([]).place(of: $0) } == nil)
    }
}
