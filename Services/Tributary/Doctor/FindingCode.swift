/// What a finding is about: the word that programs go by, why it matters, and what to do when it is not in order.
enum FindingCode: String, CaseIterable, Sendable {
    case configuration, secret, directory, owner, flush, durability, space, clock, descriptors, port, stage, hang,
        link, version, name, egress, connection, tls, certificate

    var why: String {
        switch self {
        case .configuration: "what the file says does not do what it was probably meant to"
        case .secret: "a stage that lacks a secret does not start, and one that others can read proves nothing"
        case .directory: "stages keep sockets and logs there and start only where nobody else can interfere"
        case .owner: "a stage cannot write what belongs to another user, and ends with 74"
        case .flush: "every 2xx waits for one flush, so this bounds acknowledgements and throughput"
        case .durability: "what was acknowledged is gone when the machine is switched off"
        case .space: "without space webhooks get 503, and the event log takes nothing more"
        case .clock: "signatures that name their time are refused when the clock is wrong"
        case .descriptors: "connections beyond the limit of open files are refused"
        case .port: "a stage cannot listen where another program does, and nobody is answered where none does"
        case .stage: "webhooks wait on the ingress' disk until every stage works"
        case .hang: "a stage that stands still holds what it has taken"
        case .link: "webhooks wait on the ingress' disk until the stages reach each other"
        case .version: "what was installed counts only from a stage's restart on"
        case .name: "deliveries fail as long as the name does not resolve"
        case .egress: "the router refuses to deliver to such an address"
        case .connection: "deliveries fail as long as nothing can be connected to"
        case .tls: "deliveries fail as long as the certificate is not trusted"
        case .certificate: "whoever checks certificates refuses one that is over"
        }
    }

    var remedy: String {
        switch self {
        case .configuration: "change the file, run tributary check, then scripts/supervisor reload"
        case .secret: "set the variable where the stages are started, or put the file right: mode 0600, its own user"
        case .directory: "give it to the user of the stages with mode 0700, or run this as that user"
        case .owner: "chown -R it to the owner of the folder, and start nothing as another user"
        case .flush: "put data_dir on a local SSD; network file systems and busy disks are slow"
        case .durability: "put data_dir on a disk"
        case .space: "make space, or lower ingress.disk_budget_bytes or router.event_log_budget_bytes"
        case .clock: "let chrony or systemd-timesyncd keep the clock; restart the stages when it is right"
        case .descriptors: "raise the limit (ulimit -n, LimitNOFILE=) or lower max_connections"
        case .port: "stop the other program, choose another address, or start the stage"
        case .stage: "tributary logs INSTANCE says why; scripts/supervisor up -d, or its unit, starts what is missing"
        case .hang: "the supervisor replaces it after 10 s; without one kill it and start it again"
        case .link: "start it on its host, and let firewalls pass its port"
        case .version: "scripts/supervisor restart STAGE"
        case .name: "correct the URL, or what /etc/resolv.conf names"
        case .egress: "list the network in router.egress_allow if it may be reached, or use https"
        case .connection: "start what is to listen there, and let firewalls pass it"
        case .tls: "let the other side send its whole chain for that name, or name its authority in tls.ca"
        case .certificate: "renew it; for a listener's own, replace the file and run scripts/supervisor reload"
        }
    }
}
