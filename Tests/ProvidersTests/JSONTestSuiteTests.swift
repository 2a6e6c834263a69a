import Events
import Testing
import WebhookSamples

@testable import SimdJSON

/// nst/JSONTestSuite through the JSON gate.
struct JSONTestSuiteTests {
    private let reader = JSONReader(fields: ["a", "/0", "/a/b"], redactions: ["**.key"])

    @Test func `every y_ file is accepted, every n_ file is refused, no i_ file does harm`() throws {
        let files = try SampleLibrary.jsonTestSuite()
        #expect(files.count == 318)
        for file in files {
            let code = file.bytes.withUnsafeBytes { reader.readValue($0) }
            switch file.name.prefix(2) {
            case "y_": #expect(code == nil, "\(file.name)")
            case "n_": #expect(code == .bodyNotJSON, "\(file.name)")
            default: #expect(code == nil || code == .bodyNotJSON || code == .bodyTooDeep, "\(file.name)")
            }
        }
    }

    @Test func `the same files are judged alike as batches`() throws {
        for file in try SampleLibrary.jsonTestSuite() {
            let bytes = file.bytes
            let asValue = bytes.withUnsafeBytes { reader.readValue($0) }
            let outcome = bytes.withUnsafeBytes { reader.readElements($0, at: nil) }
            switch outcome {
            case .found(let count):
                #expect(asValue == nil, "\(file.name)")
                for index in 0..<count {
                    let code = reader.select(index)
                    #expect(code == nil || code == .elementNotObject)
                    #expect(!reader.elementRange.isEmpty && reader.elementRange.upperBound <= bytes.count)
                    #expect(!reader.canonical().isEmpty)
                }
            case .refused(let code):
                #expect(asValue == nil ? code == .bodyNotArray : code == asValue, "\(file.name)")
            }
        }
    }

    @Test func `a redacted body stays valid, whatever its file`() throws {
        for file in try SampleLibrary.jsonTestSuite() where file.name.hasPrefix("y_") {
            let bytes = file.bytes
            guard bytes.withUnsafeBytes({ reader.readValue($0) }) == nil else { continue }
            var redacted: [UInt8] = []
            bytes.withUnsafeBytes { reader.writeRedacted($0, into: &redacted) }
            #expect(redacted == bytes, "\(file.name)")
        }
    }
}
