import JSON
import Testing

@testable import Tributary

@Suite struct EventTextTests {
    @Test func `an event is shown with its way and its deliveries`() throws {
        let answer = """
            {"event":{"specversion":"1.0","id":"e-1","type":"room.created"},"position":42,\
            "journey":[{"stage":"verifier","instance":"verifier-0","started":"2026-10-05T14:49:14.1421Z",\
            "finished":"2026-10-05T14:49:14.142187951Z"},\
            {"stage":"normaliser","instance":"normaliser-0","started":"2026-10-05T14:49:14.1425Z",\
            "finished":"2026-10-05T14:49:14.1426Z"}],\
            "deliveries":[{"subscription":"my-app","state":"delivered","attempts":[{"number":1,"status":204,\
            "started":"2026-10-05T14:49:15Z","duration_seconds":0.012,"phase":"answered","outcome":"delivered",\
            "detail":"","answer":null,"replay":null}]}]}
            """
        let found = try #require(JSONValue.read(Array(answer.utf8)))
        #expect(
            EventText.one(found) == """
                position 42
                {"specversion":"1.0","id":"e-1","type":"room.created"}

                journey
                  STAGE       INSTANCE      STARTED                    WAITED  TOOK
                  verifier    verifier-0    2026-10-05T14:49:14.1421Z          87 µs
                  normaliser  normaliser-0  2026-10-05T14:49:14.1425Z  312 µs  100 µs

                deliveries
                  my-app: delivered
                    #1 2026-10-05T14:49:15Z  delivered 204 after 12 ms
                """)
    }

    @Test func `a list has a column for each member and says when it is empty`() throws {
        let answer = try #require(JSONValue.read(Array(#"{"x":[{"id":7,"at_all":"a\u001bb"},{"id":12}]}"#.utf8)))
        #expect(
            RecordList.text(answer, "x", columns: ["id", "at_all"], empty: "none")
                == "ID  AT ALL\n7   a\\u{1b}b\n12")
        #expect(RecordList.text(answer, "y", columns: ["id"], empty: "none") == "none")
    }
}
