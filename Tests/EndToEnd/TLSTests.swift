import Foundation
import FreePorts
import Glibc
import TestCertificates
import Testing

extension EndToEnd {
    @Suite struct TLS {
        @Test func `both doors speak TLS, and a new certificate counts after a reload`() throws {
            var settings = PipelineSettings(subscriptions: 1)
            settings.ingress = #"tls: { certificate: "file:cert.pem", key: "file:key.pem" }"#
            let apiPort = FreePorts.next()
            settings.router = """
                listen: "127.0.0.1:\(apiPort)", tls: { certificate: "file:cert.pem", key: "file:key.pem" }, \
                api_tokens: ["literal:tributary-token-of-the-tests", { name: reader, value: "literal:tributary-token-that-reads", scopes: [read] }]
                """
            let pipeline = try Pipeline(settings)
            defer { pipeline.remove() }
            try makeCertificate(pipeline, serial: 1)
            try pipeline.up()
            let door = "https://127.0.0.1:\(pipeline.port)/in/stream"
            let subscriptions = "https://127.0.0.1:\(apiPort)/v1/subscriptions"
            try post(pipeline, door, number: 1)
            try waitUntil("it is delivered") { pipeline.subscriber.hasAll([1]) }
            #expect(try status(pipeline, "http://127.0.0.1:\(pipeline.port)/in/stream") == "000")
            #expect(try status(pipeline, door, "--tls-max", "1.1") == "000")

            let token = ["-H", "Authorization: Bearer tributary-token-of-the-tests"]
            let reader = ["-H", "Authorization: Bearer tributary-token-that-reads"]
            #expect(try status(pipeline, subscriptions) == "401")
            #expect(try status(pipeline, subscriptions, token) == "200")
            #expect(try status(pipeline, subscriptions, reader) == "200")
            #expect(try status(pipeline, subscriptions + "/subscriber-0/pause", reader + ["-X", "POST"]) == "403")
            #expect(try status(pipeline, subscriptions, token + ["-H", "Host: evil.example"]) == "421")

            #expect(try serial(pipeline.port) == "01")
            try makeCertificate(pipeline, serial: 2)
            try pipeline.supervisor("reload")
            for port in [pipeline.port, apiPort] {
                try waitUntil("port \(port) shows the new certificate") { try serial(port) == "02" }
            }
            try post(pipeline, door, number: 2)
            try waitUntil("it is delivered too") { pipeline.subscriber.hasAll([2]) }
            try pipeline.down()
        }

        private func makeCertificate(_ pipeline: Pipeline, serial: Int) throws {
            try OpenSSL.makeCertificate(
                "\(pipeline.folder)/cert.pem", key: "\(pipeline.folder)/key.pem", names: "IP:127.0.0.1",
                further: ["-set_serial", String(serial)])
        }

        private func post(_ pipeline: Pipeline, _ url: String, number: Int) throws {
            let request = SignedWebhook.stream(number)
            let headBytes = try #require(Bytes.find("\r\n\r\n", in: request))
            try Files.write(
                String(decoding: request[(headBytes + 4)...], as: UTF8.self), to: "\(pipeline.folder)/body")
            let fields = String(decoding: request[..<headBytes], as: UTF8.self).split(separator: "\r\n").dropFirst()
                .filter { !$0.hasPrefix("Host") && !$0.hasPrefix("Content-Length") }
            let answered = try status(
                pipeline, url, fields.flatMap { ["-H", String($0)] } + ["--data-binary", "@\(pipeline.folder)/body"])
            #expect(answered == "202")
        }

        private func status(_ pipeline: Pipeline, _ url: String, _ more: String...) throws -> String {
            try status(pipeline, url, more)
        }

        /// The status as curl says it; 000 where there was no answer.
        private func status(_ pipeline: Pipeline, _ url: String, _ more: [String]) throws -> String {
            try ChildProcess.run(
                [
                    "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", "--cacert",
                    "\(pipeline.folder)/cert.pem",
                ] + more + [url], in: pipeline.folder
            ).output
        }

        /// The serial number of the certificate that is shown on a port.
        private func serial(_ port: UInt16) throws -> String {
            let shown = try ChildProcess.run(
                [
                    "sh", "-c",
                    "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | openssl x509 -noout -serial",
                ], in: "/tmp")
            return shown.output.trimmingCharacters(in: .whitespacesAndNewlines).replacing("serial=", with: "")
        }
    }
}
