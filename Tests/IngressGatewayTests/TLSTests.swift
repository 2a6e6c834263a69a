import Executable
import PipelineConfiguration
import ServerCertificates
import TestCertificates
import Testing
import WebhookIntake

@testable import IngressGateway

@Suite(.serialized) struct TLSTests {
    @Test func `webhooks come in over TLS, several on one connection`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        let ingress = try TestIngress(tls: certificates.tls("a"))
        let client = try TLSClient(port: ingress.ingress.port)
        try client.send(post(body: "one") + post(body: "two"))
        #expect(client.answer()?.status == 202)
        #expect(client.answer()?.status == 202)
        #expect(ingress.bus.webhooks.map(\.body) == ["one", "two"])
        let large = String(repeating: "x", count: 300_000)
        try client.send(post(body: large))
        #expect(client.answer()?.status == 202)
        #expect(ingress.bus.webhooks.last?.body == large)
        try client.send(post("/in/nowhere", fields: "Connection: close\r\n"))
        #expect(client.answer()?.status == 404)
        #expect(eventually { client.hasEnded })
    }

    @Test func `TLS 1_2 and 1_3 are spoken, 1_1 is not, and HTTP 1_1 is agreed on`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        let ingress = try TestIngress(tls: certificates.tls("a"))
        func connect(_ version: String) throws -> String {
            // Debian forbids 1.1 to its own clients unless the security level is lowered.
            try OpenSSL.run(
                [
                    "s_client", "-connect", "127.0.0.1:\(ingress.ingress.port)", "-servername", "localhost", version,
                    "-alpn", "h2,http/1.1", "-cipher", "DEFAULT@SECLEVEL=0", "-ign_eof",
                ], input: post(body: version, fields: "Connection: close\r\n")
            ).text
        }
        for version in ["-tls1_2", "-tls1_3"] {
            let text = try connect(version)
            #expect(text.contains("HTTP/1.1 202") && text.contains("ALPN protocol: http/1.1"))
        }
        let old = try connect("-tls1_1")
        #expect(!old.contains("HTTP/1.1") && old.contains("alert"))
        #expect(ingress.bus.webhooks.map(\.body) == ["-tls1_2", "-tls1_3"])
    }

    @Test func `a new certificate is shown to new connections, and open ones go on with theirs`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        let ingress = try TestIngress(tls: certificates.tls("a"))
        let before = try TLSClient(port: ingress.ingress.port)
        try before.send(post(body: "1"))
        #expect(before.answer()?.status == 202)
        try certificates.make("a")
        try ingress.ingress.take(ingress.settings)
        let after = try TLSClient(port: ingress.ingress.port)
        try after.send(post(body: "2"))
        #expect(after.answer()?.status == 202)
        try before.send(post(body: "3"))
        #expect(before.answer()?.status == 202)
        #expect(!before.certificate.isEmpty && before.certificate != after.certificate)
        #expect(ingress.bus.webhooks.map(\.body) == ["1", "2", "3"])
    }

    @Test func `a key that does not belong to the certificate changes nothing and names both`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        try certificates.make("b")
        let failure = #expect(throws: StageFailure.self) {
            try TestIngress(tls: certificates.tls("a", key: "b"))
        }
        #expect(failure?.status == .configuration)
        #expect(failure?.sentence.contains("does not belong to the certificate in file:") == true)
        let ingress = try TestIngress(tls: certificates.tls("a"))
        var wrong = ingress.settings
        wrong.tls = certificates.tls("a", key: "b")
        wrong.sources = []
        #expect(throws: StageFailure.self) { try ingress.ingress.take(wrong) }
        wrong.tls = certificates.tls("missing")
        let missing = #expect(throws: StageFailure.self) { try ingress.ingress.take(wrong) }
        #expect(missing?.sentence.hasPrefix("ingress.tls.certificate refers to file:") == true)
        let client = try TLSClient(port: ingress.ingress.port)
        try client.send(post())
        #expect(client.answer()?.status == 202)
    }

    @Test func `a file that is no certificate or no key is named`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        let swapped = ListenerTLS(certificate: certificates.tls("a").key, key: certificates.tls("a").key)
        let noCertificate = #expect(throws: StageFailure.self) { try ServerTLS(swapped) }
        #expect(noCertificate?.sentence.contains("which holds no PEM certificate") == true)
        let noKey = #expect(throws: StageFailure.self) {
            try ServerTLS(
                ListenerTLS(certificate: certificates.tls("a").certificate, key: certificates.tls("a").certificate))
        }
        #expect(noKey?.sentence.contains("which is no PEM key without a passphrase") == true)
    }

    @Test func `plain HTTP becomes TLS and back while connections are open`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        let ingress = try TestIngress()
        let plain = ingress.connect()
        var settings = ingress.settings
        settings.tls = certificates.tls("a")
        plain.send(post(body: "1"))
        #expect(plain.answer()?.status == 202)
        try ingress.ingress.take(settings)
        let client = try TLSClient(port: ingress.ingress.port)
        try client.send(post(body: "2"))
        #expect(client.answer()?.status == 202)
        plain.send(post(body: "3"))
        #expect(plain.answer()?.status == 202)
        let late = ingress.connect()
        late.send(post(body: "in clear"))
        #expect(late.answer() == nil)
        try ingress.ingress.take(ingress.settings)
        let again = ingress.connect()
        again.send(post(body: "4"))
        #expect(again.answer()?.status == 202)
        #expect(ingress.bus.webhooks.map(\.body) == ["1", "2", "3", "4"])
    }

    @Test func `whoever connects and never agrees on TLS is cut off, and one that sends slowly too`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        var limits = IngressLimits()
        limits.headerDeadlineNanoseconds = 300_000_000
        let ingress = try TestIngress(limits: limits, tls: certificates.tls("a"))
        let silent = ingress.connect()
        let partial = ingress.connect()
        partial.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
        let slow = try TLSClient(port: ingress.ingress.port)
        try slow.send("POST /in/stream HTTP/1.1\r\nHo")
        #expect(silent.endsNow())
        #expect(partial.endsNow())
        #expect(slow.answer()?.status == 408)
        #expect(eventually { slow.hasEnded })
    }

    @Test func `more connections than allowed are closed without a handshake`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        var limits = IngressLimits()
        limits.connections = 1
        let ingress = try TestIngress(limits: limits, tls: certificates.tls("a"))
        let first = try TLSClient(port: ingress.ingress.port)
        try first.send(post())
        #expect(first.answer()?.status == 202)
        #expect(ingress.connect().endsNow())
        try first.send(post())
        #expect(first.answer()?.status == 202)
    }

    @Test func `an orderly stop finishes what is open over TLS`() throws {
        let certificates = try Certificates()
        try certificates.make("a")
        let ingress = try TestIngress(tls: certificates.tls("a"))
        let (busy, idle) = (try TLSClient(port: ingress.ingress.port), try TLSClient(port: ingress.ingress.port))
        try idle.send(post())
        #expect(idle.answer()?.status == 202)
        ingress.bus.holdAnswers(true)
        try busy.send(post())
        #expect(eventually { ingress.bus.webhooks.count == 2 })
        let silent = ingress.connect()
        let stopped = Promise<Void>()
        ingress.stopOnAnotherThread(stopped)
        #expect(eventually { idle.hasEnded })
        ingress.bus.answer(2, 2)
        let answer = busy.answer()
        #expect(answer?.status == 202 && answer?.closes == true)
        #expect(silent.endsNow())
        _ = stopped.wait()
    }
}
