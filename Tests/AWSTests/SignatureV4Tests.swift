import AWS
import Foundation
import JSON
import Testing

/// AWS' own test suite for Signature Version 4 ("AWS Signature Version 4 Test Suite", Copyright 2019 Amazon.com, Inc. or its
/// affiliates, Apache License 2.0), all 34 cases, as the source distribution of botocore 1.44.8 has them below
/// `tests/unit/auth/aws4_testsuite`. Path and query are those of a case's canonical request: requests to SQS have neither,
/// so the signer takes them as they are to be.
struct SignatureV4Tests {
    struct Vector: CustomTestStringConvertible {
        let value: JSONValue
        var testDescription: String { value["name"].text }

        static let all: [Vector] = {
            guard let file = Bundle.module.url(forResource: "Vectors", withExtension: nil),
                let bytes = try? Data(contentsOf: file.appendingPathComponent("sigv4.json")),
                let read = JSONValue.read(Array(bytes))
            else { return [] }
            return read.elements.map(Vector.init)
        }()
    }

    @Test func `all cases of the suite are there`() {
        #expect(Vector.all.count == 34)
    }

    @Test(arguments: Vector.all)
    func `a request is signed as AWS' test suite has it`(_ vector: Vector) throws {
        let value = vector.value
        let token = value["token"] == .null ? nil : value["token"].text
        let signature = SignatureV4(
            AWSCredentials(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: Array("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".utf8),
                sessionToken: token), region: "us-east-1", service: "service")
        let fields = value["fields"].elements.map { (name: $0.elements[0].text, value: $0.elements[1].text) }
        let signed = Array(value["body"].text.utf8).withUnsafeBytes {
            // 2015-08-30T12:36:00Z
            signature.signed(
                fields, method: value["method"].text, path: value["path"].text, query: value["query"].text,
                payload: $0, at: 1_440_938_160)
        }
        #expect(signed.last?.name == "authorization")
        #expect(signed.last?.value == value["authorization"].text)
        #expect(signed.contains { $0.name == "x-amz-date" && $0.value == "20150830T123600Z" })
        #expect(signed.first { $0.name == "x-amz-security-token" }?.value == token)
    }
}
