"""Two routers on two hosts, each with the verifier and the normaliser that work for it, behind one ingress: a host that
is cut off stops the sources of its router alone, and nothing of them is lost."""

import time
import unittest

from hosts import Hosts, Layout, Network, network_for
from launcher import until
from load import Load, Sink

LAYOUT = Layout(
    places={
        "edge": ["ingress-gateway-0"],
        "middle": ["verifier-0", "normaliser-0", "fanout-router-0"],
        "back": ["verifier-1", "normaliser-1", "fanout-router-1"],
    },
    sockets={
        "ingress-gateway-0-0": {"out": "10.77.0.1:7100", "control": "10.77.0.1:7101"},
        "ingress-gateway-0-1": {"out": "10.77.0.1:7102", "control": "10.77.0.1:7103"},
        "verifier-0": {"out": "10.77.0.2:7100"},
        "normaliser-0": {"out": "10.77.0.2:7101"},
        "fanout-router-0": {},
        "verifier-1": {"out": "10.77.0.3:7100"},
        "normaliser-1": {"out": "10.77.0.3:7101"},
        "fanout-router-1": {},
    },
    sources={"one": {"router": 0}, "two": {"router": 1}},
    routers=2,
)
PLACE_OF_SOURCE = {"one": "middle", "two": "back"}
CUT_OFF = ("back", "middle", "back")
PARTITION_SECONDS = 3
REFORMED_SECONDS = 2.0

network: Network
hosts: Hosts
sinks: dict[str, Sink]


def setUpModule():
    global network, hosts, sinks
    network = network_for()
    sinks = {source: Sink(network, host) for source, host in PLACE_OF_SOURCE.items()}
    for sink in sinks.values():
        unittest.addModuleCleanup(sink.close)
    hosts = unittest.enterModuleContext(Hosts(network, LAYOUT))


class RoutersTests(unittest.TestCase):
    maxDiff = None

    def test_a_host_that_is_cut_off_stops_the_sources_of_its_router_alone_and_loses_nothing(self):
        reformed = []
        with Load(self, network, sinks) as load:
            for host in CUT_OFF:
                own, = (sinks[source] for source, place in PLACE_OF_SOURCE.items() if place == host)
                other, = (sink for sink in sinks.values() if sink is not own)
                before = own.count, other.count
                until(lambda: own.count > before[0] + 100 and other.count > before[1] + 100,  # noqa: B023
                      "deliveries of both routers")
                with network.cut_off(host):
                    begin, taken, stopped = time.monotonic(), load.count, -1
                    while stopped != own.count:  # what it has already is delivered
                        stopped, going_on = own.count, other.count
                        until(lambda: other.count > going_on + 100, "deliveries of the other router")  # noqa: B023
                    time.sleep(max(0, PARTITION_SECONDS - (time.monotonic() - begin)))
                    self.assertEqual(own.count, stopped)
                    self.assertGreater(load.count, taken, "webhooks are taken meanwhile")
                healed = time.monotonic()
                until(lambda: own.count > stopped, "deliveries after the partition")  # noqa: B023
                reformed.append(time.monotonic() - healed)
        print(f"{load.count} webhooks; deliveries went on {', '.join(f'{each:.2f}' for each in reformed)} s after "
              f"partitions of {PARTITION_SECONDS} s")
        # One of them may fall on a moment in which this machine does something else.
        self.assertLess(sorted(reformed)[1], REFORMED_SECONDS)

    def test_commands_know_the_column_of_their_host(self):
        ended = hosts.tributary("back", "status")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), ended.stdout)
        states = {line.split()[0]: line.split()[2] for line in ended.stdout.splitlines()[1:]}
        own = LAYOUT.places["back"]
        self.assertEqual({name for name, state in states.items() if state == "ready"}, set(own))
        self.assertEqual(states["ingress-gateway-0"], "elsewhere:")
        self.assertEqual(len(states), 7)
        ended = hosts.tributary("back", "doctor")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), ended.stdout)
        for port in (7102, 7103):
            self.assertIn(f"ingress-gateway-0-1 on another host (10.77.0.1:{port}) can be connected to", ended.stdout)
        self.assertIn("not connected to from here: ingress-gateway-0, verifier-0", ended.stdout)
        ended = hosts.tributary("back", "events", "--router", "1", "--limit", "1", "--json")
        self.assertEqual(ended.returncode, 0, ended.stderr)


if __name__ == "__main__":
    unittest.main()
