import Foundation

/// One line of the event log.
struct LoggedEvent {
    let position: UInt64
    let id: String
    let source: String
    let type: String
}

extension Pipeline {
    /// What an admin endpoint answers to a GET, decoded.
    func ask(_ instance: String, _ target: String) throws -> [String: Any] {
        let reply = try HTTPClient.get(target, unix: "\(run)/\(instance).admin")
        guard reply.status == 200, let tree = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
        else { throw Failure("\(instance) answers \(reply.status) to \(target): \(reply.text.prefix(300))") }
        return tree
    }

    /// What the control API answers on the router's admin socket, decoded; nothing for an answer without a body. Throws
    /// what it refuses.
    @discardableResult func api(_ method: String, _ target: String, _ body: String = "") throws -> [String: Any] {
        let reply = try HTTPClient.request(method, "/v1\(target)", body, unix: "\(run)/fanout-router-0.admin")
        guard (200..<300).contains(reply.status) else {
            throw Failure("\(method) \(target) is answered \(reply.status): \(reply.text.prefix(300))")
        }
        return try JSONSerialization.jsonObject(with: Data(reply.body.isEmpty ? Array("{}".utf8) : reply.body))
            as? [String: Any] ?? [:]
    }

    /// The whole event log of a router, oldest first.
    func events(router: Int = 0) throws -> [LoggedEvent] {
        var all: [LoggedEvent] = []
        var cursor = ""
        while true {
            let page = try ask("fanout-router-\(router)", "/v1/events?order=asc&limit=1000\(cursor)")
            for event in page["events"] as? [[String: Any]] ?? [] {
                all.append(
                    LoggedEvent(
                        position: (event["position"] as? NSNumber)?.uint64Value ?? 0,
                        id: event["id"] as? String ?? "", source: event["source"] as? String ?? "",
                        type: event["type"] as? String ?? ""))
            }
            guard let next = page["next_cursor"] as? String else { return all }
            cursor = "&cursor=\(next)"
        }
    }

    /// Codes of everything in quarantine.
    func quarantineCodes() throws -> [String] {
        let page = try ask("fanout-router-0", "/v1/quarantine?limit=1000")
        return (page["quarantine"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    }

    /// The sum of a metric's samples whose line contains `label`; nil while the instance does not answer.
    func metric(_ instance: String, _ name: String, label: String = "") -> Double? {
        guard let reply = try? HTTPClient.get("/metrics", unix: "\(run)/\(instance).admin"), reply.status == 200 else {
            return nil
        }
        let lines = reply.text.split(separator: "\n").filter {
            $0.hasPrefix(name) && ["{", " "].contains($0.dropFirst(name.count).first)
                && (label.isEmpty || $0.contains(label))
        }
        return lines.reduce(0) { $0 + (Double($1.split(separator: " ").last ?? "") ?? 0) }
    }

    /// Waits until a wrongly signed webhook is refused at once: from then on the answers wait for the verifier's
    /// verdict. The refused ones end in quarantine as `signature_mismatch`.
    func waitForVerdicts() throws {
        try waitUntil("the verifier has its say") {
            let request = SignedWebhook.stream(999_999, secret: "nobody's")
            return try HTTPClient(port: port).exchange(request).status == 401
        }
    }

    /// Waits until the ingress' journal holds nothing more and every subscription got all accepted webhooks.
    func waitForDelivery(of sent: [SentWebhook]) throws {
        let numbers = sent.filter(\.isAccepted).map(\.number)
        do {
            try waitUntil("everything accepted is delivered") { subscriber.hasAll(numbers) }
        } catch {
            let missing = (0..<settings.subscriptions).map { subscription in
                let ledger = subscriber.ledger(subscription)
                return numbers.filter { ledger.counts[$0] == nil }
            }
            report("missing: \(missing.map { "\($0.count), first \($0.prefix(5))" })")
            throw error
        }
        try waitUntil("the journal is settled") {
            metric("ingress-gateway-0", "tributary_backlog_records") == 0
        }
    }
}
