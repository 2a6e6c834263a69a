import JSON
import PipelineConfiguration
import Testing

@testable import Tributary

@Suite struct ListenTests {
    private func event(_ number: Int, type: String = "dev.tributary.room.created") throws -> ListenedEvent {
        let text = """
            {"type":"event","token":"t-\(number)","webhook_id":"evt_1_\(number)",
             "event":{"type":"\(type)","subject":"rooms/\(number)","time":"2026-11-02T12:00:00.123456Z"}}
            """
        let value = try #require(JSONValue.read(Array(text.utf8)))
        return try #require(ListenedEvent(value))
    }

    @Test func `an event of another format is posted with the fields and the body of a delivery`() throws {
        let text = """
            {"type":"event","token":"t","webhook_id":"w","event":{"type":"x"},
             "delivery":{"fields":{"content-type":"application/x-protobuf"},"body_base64":"AAE="}}
            """
        let value = try #require(JSONValue.read(Array(text.utf8)))
        let event = try #require(ListenedEvent(value))
        #expect(event.body == [0, 1])
        #expect(event.fields.map(\.value) == ["application/x-protobuf"])
        #expect(ListenedEvent(.object([])) == nil)
    }

    @Test func `the newest is selected until somebody moves, and the oldest make room`() throws {
        var rows = ListenRows()
        for number in 1...(ListenRows.most + 5) { #expect(rows.append(try event(number)) == number) }
        #expect(rows.row(5) == nil)
        #expect(rows.current?.number == ListenRows.most + 5)
        rows.move(1)
        #expect(rows.current?.number == ListenRows.most + 4)
        _ = rows.append(try event(0))
        #expect(rows.current?.number == ListenRows.most + 4)
        rows.move(-ListenRows.most)
        #expect(rows.current?.number == ListenRows.most + 6)
    }

    @Test func `keys select, show, filter, send again and end`() throws {
        var (rows, view) = (ListenRows(), ListenView())
        _ = rows.append(try event(1))
        _ = rows.append(try event(2, type: "dev.tributary.call.ended"))
        rows.note(1, .failed("Connection refused"), nanoseconds: 1_000_000)
        #expect(TerminalScreen.keys(in: "\u{1B}[Bdr") == ["\u{1B}[B", "d", "r"])
        #expect(view.press("\u{1B}[B", &rows) == .none)
        #expect(view.press("r", &rows) == .sendAgain(1))
        #expect(rows.row(2).map { ListenView.line($0) } == "12:00:00.123  call.ended  rooms/2", "it was not posted")
        func screen() -> [String] { view.screen(rows, title: "t", state: "connected", width: 100, height: 10) }
        #expect(screen().contains { $0.hasPrefix("> 12:00:00.123  room.created  rooms/1  Connection refused") })
        #expect(screen()[1] == "connected; 2 received, 0 delivered, 1 failed")
        _ = view.press("d", &rows)
        #expect(screen().contains("webhook-id: evt_1_1"))
        _ = view.press("x", &rows)
        for key in ["f", "c", "a", "l", "l", "\r"] { #expect(view.press(key, &rows) == .none) }
        #expect(rows.shown.map(\.number) == [2])
        #expect(view.press("q", &rows) == .quit)
    }

    @Test func `a port, a path or a URL is a target`() throws {
        #expect(try LocalTarget.url("3000").text == "http://localhost:3000")
        #expect(try LocalTarget.url("3000/a/b").target == "/a/b")
        #expect(try LocalTarget.url("https://dev.example.com/x").host == "dev.example.com")
        #expect(throws: (any Error).self) { try LocalTarget.url("nonsense") }
    }
}
