import StageRuntime

/// How a lane is changed while it runs. Nothing is lost by any of it: the cursor stays where it is, what is unfinished
/// stays so, and attempts under way end as they began.
extension Lane {
    /// Another subscription under the same name. The filter counts for events not yet taken; all else, what follows from
    /// attempts under way included, counts at once. `transport`: to another endpoint, or with another certificate.
    func reconfigure(_ settings: LaneSettings, head: DeliveryHead, transport: (any HTTPTransport)?) {
        let former = self.settings
        self.settings = settings
        self.head = head
        if let transport {
            self.transport.close()
            self.transport = transport
        }
        contentMatcher = ContentMatcher(settings.conditions)
        cursor.maxUnfinished = settings.maxUnfinished
        if former.endpoint.text != settings.endpoint.text {
            // How the former endpoint did says nothing about this one.
            gate = Self.gate(settings, now: clock.now)
        } else {
            gate.adjust(concurrency: settings.concurrency, perSecond: settings.requestsPerSecond, now: clock.now)
            gate.isPunctual = settings.policy.isPunctual
        }
        cursor.adopt(deadlineNanoseconds: settings.policy.deadlineNanoseconds)
        if (former.batch == nil) != (settings.batch == nil) {
            cursor.regroup(inBatches: settings.batch != nil)
            gathering = Gathering()
        }
        if former.linesUp != settings.linesUp {
            orderEpoch += 1
            keys = KeyGate()
            cursor.releaseAll()
            isLinedUp = !settings.linesUp || cursor.unfinished.isEmpty
        }
        disarm()
        pump()
    }

    /// Starts nothing until it is resumed; it keeps its place.
    func pause() {
        guard !cursor.isPaused else { return }
        cursor.pause()
        disarm()
    }

    /// Goes on where it stopped, paused or disabled; what waited is due, and its deadline counts from now. Where it was
    /// disabled, former failures count no more.
    func resume() {
        guard cursor.isHalted else { return }
        if cursor.isDisabled { gate = Self.gate(settings, now: clock.now) }
        cursor.resume()
        cursor.renewDeadlines(now: clock.now)
        disarm()
        pump()
    }
}
