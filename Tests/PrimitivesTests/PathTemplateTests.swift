import Primitives
import Testing

struct PathTemplateTests {
    private func values(_ path: String) -> [String]? {
        let path = Array(path.utf8)
        let values = path.withUnsafeBytes { PathTemplate("api/call/{type}/{id}/event").values(in: $0) }
        return values?.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `what stands in the places is decoded, and a plus is a plus`() {
        #expect(values("api/call/default/1/event") == ["default", "1"])
        #expect(values("api/call/live%73tream/room%2042+%2F%25%C3%A9/event") == ["livestream", "room 42+/%é"])
        #expect(values("api/call/%2e%2e/\(String(repeating: "x", count: 256))/event")?.first == "..")
    }

    @Test(arguments: [
        "", "api", "api/call/default/1", "api/call/default/1/event/", "/api/call/default/1/event",
        "api/call/default/1/2/event", "api//call/default/1/event", "api/call//1/event", "api/call/default//event",
        "api/call/default/1/Event", "api/call/default/1/eve%6Et", "api/call/default/%/event",
        "api/call/default/%4g/event", "api/call/default/%00/event", "api/call/default/a%0D%0Ab/event",
        "api/call/default/%7f/event", "api/call/default/" + String(repeating: "x", count: 257) + "/event",
    ])
    func `other paths, and places that are empty, too long or hold control characters, do not fit`(path: String) {
        #expect(values(path) == nil)
    }
}
