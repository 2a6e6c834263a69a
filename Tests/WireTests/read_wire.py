"""Reads Tributary's bus, written from the page Shared/Wire/README.md alone.

read_wire.py ENVELOPE_HEX...          prints envelopes, one JSON object per line
read_wire.py --tap SOCKET COUNT       listens to an instance's tap with pyzmq
read_wire.py --recording FILE         prints what bus-tap recorded
"""

import json
import struct
import sys

STAGES = {1: "ingress-gateway", 2: "verifier", 3: "normaliser", 4: "fanout-router"}
FLAGS = {1: "resent", 2: "alone", 4: "tombstone"}


def crc32c(octets: bytes) -> int:
    crc = 0xFFFFFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read_fields(section: bytes) -> dict[str, str]:
    (count,) = struct.unpack_from("<H", section)
    offset, fields = 2, {}
    for _ in range(count):
        name_length, value_length = struct.unpack_from("<HH", section, offset)
        offset += 4
        name = section[offset : offset + name_length].decode()
        offset += name_length
        fields[name] = section[offset : offset + value_length].decode()
        offset += value_length
    return fields


def read_events(section: bytes) -> list[dict[str, str]]:
    (count,) = struct.unpack_from("<I", section)
    offset, events = 4, []
    for _ in range(count):
        (length,) = struct.unpack_from("<I", section, offset)
        event = section[offset + 4 : offset + 4 + length]
        offset += 4 + length
        attributes, position = {}, 5
        for _ in range(event[4]):
            name_length, value_length = struct.unpack_from("<BH", event, position)
            position += 3
            name = event[position : position + name_length].decode()
            position += name_length
            attributes[name] = event[position : position + value_length].decode()
            position += value_length
        events.append(attributes)
    return events


def read_envelope(envelope: bytes) -> dict:
    version, flags, resends, _, crc, covered_end, source_length = struct.unpack_from("<BBBBIIB", envelope)
    if version != 1:
        raise ValueError(f"version {version} is not known here")
    high, low, sequence, received_at = struct.unpack_from("<QQQq", envelope, 16)
    record = {
        "flags": [word for bit, word in FLAGS.items() if flags & bit],
        "resends": resends,
        "intact": crc32c(envelope[8:covered_end]) == crc,
        "journal": f"{high:016x}{low:016x}",
        "sequence": sequence,
        "received_at_ns": received_at,
        "source": envelope[48 : 48 + source_length].decode(),
        "sections": [],
        "stamps": [],
    }
    offset = 48 + source_length
    while offset < len(envelope):
        tag, _, length = struct.unpack_from("<HHI", envelope, offset)
        content = envelope[offset + 8 : offset + 8 + length]
        offset += 8 + length
        record["sections"].append({"tag": tag, "bytes": length})
        if tag == 1:
            record["fields"] = sorted(read_fields(content))
        elif tag == 2:
            record["body_bytes"] = length
        elif tag == 32:
            record["events"] = read_events(content)
        elif tag == 64:
            record["stamps"].append(STAGES[content[0]])
    return record


def read_batch(batch: bytes) -> list[dict]:
    offset, records = 0, []
    while offset < len(batch):
        (length,) = struct.unpack_from("<I", batch, offset)
        records.append(read_envelope(batch[offset + 4 : offset + 4 + length]))
        offset += 4 + length
    return records


def read_transmission(header: bytes, origin: bytes, body: bytes) -> list[dict]:
    magic, version, kind, _, _, _, count, body_bytes = struct.unpack("<4sBBHQQII", header)
    assert (magic, version, kind, body_bytes) == (b"TRIB", 1, 10, len(body)), header
    found = read_batch(body)
    assert len(found) == count
    end_of_name = 4 + origin[3]
    for record in found:
        record["stage"] = STAGES[origin[0]]
        record["instance"] = origin[4:end_of_name].decode()
        if len(origin) >= end_of_name + 8:
            (record["passed_at_ns"],) = struct.unpack_from("<q", origin, end_of_name)
    return found


def listen(endpoint: str, count: int) -> None:
    import zmq

    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.setsockopt(zmq.RCVTIMEO, 10_000)
    socket.connect(endpoint)
    print("listening", file=sys.stderr, flush=True)
    while count > 0:
        found = read_transmission(*socket.recv_multipart())
        for record in found[:count]:
            print(json.dumps(record), flush=True)
        count -= len(found)


def read_recording(recording: bytes) -> list[dict]:
    frames, offset = [], 0
    while offset < len(recording):
        (length,) = struct.unpack_from("<I", recording, offset)
        frames.append(recording[offset + 4 : offset + 4 + length])
        offset += 4 + length
    return [record for place in range(0, len(frames), 3) for record in read_transmission(*frames[place : place + 3])]


if __name__ == "__main__":
    if sys.argv[1] == "--tap":
        listen(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1] == "--recording":
        with open(sys.argv[2], "rb") as file:
            for record in read_recording(file.read()):
                print(json.dumps(record))
    else:
        for argument in sys.argv[1:]:
            print(json.dumps(read_envelope(bytes.fromhex(argument))))
