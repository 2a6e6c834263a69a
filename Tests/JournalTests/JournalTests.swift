import CommitLog
import Executable
import Journal
import MemoryDisk
import SeededRandom
import Testing
import Wire

@Suite struct JournalTests {
    private let disk = MemoryDisk(seed: 1, isDirect: true)

    @Test func `what was appended is read back sealed and in order`() throws {
        let journal = try openJournal(on: disk)
        #expect(journal.nextSequence == 1)
        let sealed = try journal.append([batch(["a", "b"]), batch(["c"])])
        #expect(sealed.map(\.first) == [1, 3])
        _ = try journal.append([batch(["d"])])
        #expect(journal.nextSequence == 5)
        #expect(try journal.all().map(\.body) == ["a", "b", "c", "d"])
        #expect(try journal.all().allSatisfy { $0.journal == journal.id })
        #expect(try journal.all(from: 2).map(\.sequence) == [2, 3, 4])
        #expect(try journal.all(from: 5).isEmpty)
    }

    @Test(arguments: [true, false])
    func `every commit is on the disk before it is answered`(isDirect: Bool) throws {
        for count in 1...12 {
            let disk = MemoryDisk(seed: UInt64(count), isDirect: isDirect)
            var journal: Journal? = try openJournal(on: disk)
            for number in 0..<count { _ = try journal?.append([batch(["\(number)"])]) }
            journal = nil
            disk.cutPower()
            #expect(try openJournal(on: disk).all().map(\.body) == (0..<count).map(String.init))
        }
    }

    @Test func `reading stops at either limit but gives at least one`() throws {
        let journal = try openJournal(on: disk)
        _ = try journal.append([batch(["a", "b", "c"]), batch(["d", "e"])])
        _ = try journal.append([batch(["f"])])
        let one = try stored(journal.read(from: 2, maxRecords: 1, maxBytes: .max))
        #expect(one.map(\.body) == ["b"])
        #expect(try stored(journal.read(from: 2, maxRecords: 3, maxBytes: .max)).map(\.body) == ["b", "c", "d"])
        #expect(try stored(journal.read(from: 3, maxRecords: 9, maxBytes: 1)).map(\.body) == ["c"])
        let size = batch(["a"]).byteCount
        #expect(try stored(journal.read(from: 1, maxRecords: 9, maxBytes: 4 * size)).count == 4)
        #expect(try stored(journal.read(from: 4, maxRecords: 9, maxBytes: .max)).map(\.body) == ["d", "e", "f"])
    }

    @Test func `what is settled frees its space at once, and the numbers go on`() throws {
        let journal = try openJournal(on: disk)
        for _ in 0..<100 { _ = try journal.append([batch(["a", "b"])]) }
        try journal.settle(through: 151)
        try journal.settle(through: 3)
        try journal.settle(through: 100_000)
        #expect(journal.watermark == 151)
        #expect(try journal.all(from: journal.watermark + 1).first?.sequence == 152)
        #expect((1...32 * 4096).contains(journal.retainedBytes))
        try journal.settle(through: 200)
        #expect(journal.retainedBytes == 0)
        #expect(disk.nodes.count <= 6)
        #expect(try journal.append([batch(["z"])]).first?.first == 201)
    }

    @Test func `a journal that is opened again gives free what is settled without waiting for another webhook`() throws
    {
        var journal: Journal? = try openJournal(on: disk)
        for _ in 0..<200 { _ = try journal?.append([batch([String(repeating: "a", count: 2000)])]) }
        journal = nil
        disk.endProcess()
        let again = try openJournal(on: disk)
        #expect(again.retainedBytes > 200 * 2000)
        try again.settle(through: 200)
        #expect(again.retainedBytes == 0 && disk.nodes.count <= 6)
    }

    @Test func `a budget that is used up refuses without using up a number, and settling makes room`() throws {
        let journal = try openJournal(on: disk, segments: 3)
        var count: UInt64 = 0
        while journal.shortage == nil {
            _ = try journal.append([batch(["a"])])
            count += 1
        }
        #expect(count >= 8)
        #expect(journal.shortage?.code == .overBudget)
        let error = #expect(throws: LogError.self) {
            while true { _ = try journal.append([batch(["a"])]) }
        }
        #expect(error?.code == .overBudget)
        let next = journal.nextSequence
        try journal.settle(through: 1)
        #expect(journal.shortage?.code == .overBudget)
        try journal.settle(through: next - 1)
        #expect(journal.shortage == nil)
        #expect(try journal.append([batch(["b"])]).first?.first == next)
        #expect(try journal.all(from: next).map(\.body) == ["b"])
    }

    @Test func `a journal that filled its own disk takes webhooks again when they are settled, also after a restart`()
        throws
    {
        for restarts in [false, true] {
            let disk = MemoryDisk(seed: 1, isDirect: true)
            disk.capacityBytes = 200_000
            var full: Journal? = try openJournal(on: disk)
            while full?.shortage == nil { _ = try full?.append([batch(["a"])]) }
            #expect(full?.shortage?.code == .full)
            if restarts {
                full = nil
                disk.endProcess()
                full = try openJournal(on: disk)
            }
            let again = try #require(full)
            #expect(try again.all(from: again.watermark + 1).count >= 20)
            try again.settle(through: again.nextSequence - 1)
            _ = try again.idle()
            #expect(again.shortage == nil, "restarts: \(restarts)")
            _ = try again.append([batch(["b"])])
        }
    }

    @Test(arguments: [Int32(5), 30]) func `an error of the disk refuses, and the next start has all that was answered`(
        _ code: Int32
    ) throws {
        for call in 1...40 {
            let disk = MemoryDisk(seed: UInt64(call), isDirect: false)
            var journal: Journal? = try openJournal(on: disk)
            let next = (disk.calls["pwrite"] ?? 0, disk.calls["fdatasync"] ?? 0)
            let fault = call % 2 == 0 ? ("pwrite", next.0 + call / 2) : ("fdatasync", next.1 + call / 2 + 1)
            disk.faults[fault.0] = [fault.1: .error(code)]
            var answered: [String] = []
            var failure: LogError?
            for number in 0..<60 where failure == nil {
                do throws(LogError) {
                    _ = try journal?.append([batch(["\(number)"])])
                    answered.append("\(number)")
                } catch {
                    failure = error
                }
            }
            #expect(failure?.code == .failed && journal?.shortage?.code == .failed, "call \(call)")
            #expect(failure?.failure(of: "journal").status.rawValue == 74)
            #expect(throws: LogError.self) { try journal?.append([batch(["more"])]) }
            journal = nil
            disk.endProcess()
            let found = try openJournal(on: disk).all().map(\.body)
            #expect(found == answered || found == answered + ["\(answered.count)"], "call \(call)")
        }
    }

    @Test func `a quota that is used up is a full disk, not a failing one`() throws {
        let journal = try openJournal(on: disk)
        disk.faults["pwrite"] = [(disk.calls["pwrite"] ?? 0) + 1: .error(122)]
        let error = #expect(throws: LogError.self) { try journal.append([batch(["a"])]) }
        #expect(error?.code == .full)
        #expect(try journal.append([batch(["b"])]).first?.first == 1)
    }

    @Test func `a process without descriptors for its journal goes on when there are some`() throws {
        let journal = try openJournal(on: disk)
        let calls = disk.calls["open"] ?? 0
        disk.faults["open"] = Dictionary(uniqueKeysWithValues: (calls + 1...calls + 1000).map { ($0, .error(24)) })
        var count: UInt64 = 0
        while journal.shortage == nil, count < 100 {
            _ = try journal.append([batch(["a"])])
            count += 1
        }
        #expect(journal.shortage?.code == .full)
        #expect(throws: LogError.self) { while true { _ = try journal.append([batch(["a"])]) } }
        disk.faults = [:]
        _ = try journal.idle()
        #expect(journal.shortage == nil)
        _ = try journal.append([batch(["b"])])
        #expect(try journal.all().count >= 10)
    }

    @Test
    func `a journal that turns out to be an older copy leaves what the router knows and gives the rest new names`()
        throws
    {
        var first: Journal? = try openJournal(on: disk)
        _ = try first?.append([batch(["known", "known"])])
        first = nil
        disk.endProcess()
        let journal = try openJournal(on: disk)
        for number in 0..<30 { _ = try journal.append([batch(["new \(number)"])]) }
        try journal.settle(through: 3)
        let newID = JournalID.random()
        try journal.renumber(newID: newID)
        #expect(journal.id == newID)
        #expect(journal.watermark == 32)
        let expected = (1..<30).map { Stored(journal: newID, sequence: UInt64(32 + $0), body: "new \($0)") }
        #expect(try journal.all(from: 33) == expected)
        #expect(try journal.append([batch(["z"])]).first?.first == 62)
    }

    @Test func `a renumbering that any call interrupts is finished by the next start, with nothing twice`() throws {
        var isInterrupted = true
        var call = 0
        while isInterrupted {
            call += 1
            let disk = MemoryDisk(seed: 1, isDirect: true)
            var journal: Journal? = try openJournal(on: disk)
            for number in 0..<30 { _ = try journal?.append([batch(["\(number)"])]) }
            disk.faults["pwrite"] = [(disk.calls["pwrite"] ?? 0) + call: .error(5)]
            isInterrupted = (try? journal?.renumber(newID: .random())) == nil
            journal = nil
            disk.faults = [:]
            disk.endProcess()
            let again = try openJournal(on: disk)
            let found = try again.all(from: again.watermark + 1)
            #expect(found.map(\.body) == (0..<30).map(String.init), "call \(call)")
            #expect(Set(found.map(\.journal)) == [again.id], "call \(call)")
        }
        #expect(call > 10)
    }

    @Test
    func `webhooks that damage has taken are read as a batch that is not whole, and those behind it as they were`()
        throws
    {
        var first: Journal? = try openJournal(on: disk)
        for number in 0..<3 { _ = try first?.append([batch(["a\(number)", "b\(number)"])]) }
        try first?.close()
        first = nil
        disk.endProcess()
        disk.flip(in: "segment-", "b1")
        let journal = try openJournal(on: disk)
        let batches = try journal.read(from: 1, maxRecords: 10, maxBytes: .max)
        #expect(batches.map(\.first) == [1, 3, 5])
        #expect(batches.map(\.isWhole) == [true, false, true])
        #expect(try journal.read(from: 4, maxRecords: 1, maxBytes: .max).map(\.first) == [4])
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `random use agrees with the model`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let disk = MemoryDisk(seed: seed, isDirect: seed % 2 == 0)
        var journal = try openJournal(on: disk)
        var model = JournalModel(id: journal.id)
        for step in 0..<150 {
            switch Int.random(in: 0..<12, using: &generator) {
            case 0..<5:
                let bodies = (0..<Int.random(in: 1...4, using: &generator)).map { "\(step)-\($0)" }
                model.append(bodies)
                _ = try journal.append(
                    Bool.random(using: &generator) ? [batch(bodies)] : bodies.map { batch([$0]) })
            case 5, 6:
                let sequence = UInt64.random(in: 0..<model.nextSequence + 2, using: &generator)
                model.settle(through: sequence)
                try journal.settle(through: sequence)
            case 7:
                _ = try journal.idle()
            case 8:
                let from = UInt64.random(in: model.watermark + 1...model.nextSequence, using: &generator)
                let count = Int.random(in: 1...9, using: &generator)
                let found = try stored(journal.read(from: from, maxRecords: count, maxBytes: .max))
                #expect(found == Array(model.unsettled.filter { $0.sequence >= from }.prefix(count)))
            case 9 where step % 5 == 0:
                let newID = JournalID(high: seed, low: UInt64(step))
                model.renumber(newID: newID)
                try journal.renumber(newID: newID)
            default:
                _ = consume journal
                disk.endProcess()
                journal = try openJournal(on: disk)
                try journal.settle(through: model.watermark)
                model.reopened()
            }
            #expect(journal.id == model.id && journal.nextSequence == model.nextSequence)
            #expect(journal.watermark == model.watermark)
            #expect(try journal.all(from: model.watermark + 1) == model.unsettled)
        }
    }
}
