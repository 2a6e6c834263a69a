import JSON
import Testing

@Suite struct JSONPointerTests {
    /// The document of RFC 6901, section 5.
    private static let document = #"""
        {"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}
        """#

    @Test(arguments: [
        ("/foo/0", "bar"), ("/foo/1", "baz"), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"), ("/g|h", "4"),
        (#"/i\j"#, "5"), (#"/k"l"#, "6"), ("/ ", "7"), ("/m~0n", "8"),
    ])
    func `pointers lead where RFC 6901 says`(pointer: String, text: String) throws {
        let document = try #require(JSONValue.read(Array(Self.document.utf8)))
        #expect(try #require(JSONPointer(pointer)).value(in: document)?.text == text)
    }

    @Test func `the empty pointer is the whole`() throws {
        let document = try #require(JSONValue.read(Array(Self.document.utf8)))
        #expect(JSONPointer("")?.value(in: document) == document)
    }

    @Test(arguments: ["/foo/2", "/foo/00", "/foo/-", "/foo/+1", "/bar", "/foo/0/x", "/a/b"])
    func `where nothing is there is nothing`(pointer: String) throws {
        let document = try #require(JSONValue.read(Array(Self.document.utf8)))
        #expect(try #require(JSONPointer(pointer)).value(in: document) == nil)
    }

    @Test(arguments: ["foo", "foo/bar", "/a~", "/a~2b", "~0"])
    func `what is no pointer is none`(text: String) {
        #expect(JSONPointer(text) == nil)
    }
}
