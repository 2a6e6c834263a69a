"""Reads a commit log, from Shared/CommitLog/FORMAT.md alone: a line on the whole, then one per record.

    read_log.py FOLDER
"""

import struct
import sys
from pathlib import Path

TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = (_byte >> 1) ^ (0x82F63B78 if _byte & 1 else 0)
    TABLE.append(_byte)
HEADER_BYTES = 80


def crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def u64(content: bytes, offset: int) -> int:
    return struct.unpack_from("<Q", content, offset)[0]


def u32(content: bytes, offset: int) -> int:
    return struct.unpack_from("<I", content, offset)[0]


def u16(content: bytes, offset: int) -> int:
    return struct.unpack_from("<H", content, offset)[0]


def identity(content: bytes, offset: int) -> str:
    return f"{u64(content, offset):016x}{u64(content, offset + 8):016x}"


def is_sealed(content: bytes, count: int) -> bool:
    return len(content) >= count and crc32c(content[: count - 4]) == u32(content, count - 4)


def read_superblock(content: bytes) -> dict | None:
    """The newer of the slots that count."""
    found = None
    for offset in (0, 65536):
        slot = content[offset : offset + 4096]
        if slot[:4] != b"TRLS" or not is_sealed(slot, 4096):
            continue
        if u16(slot, 4) > 1:
            raise ValueError(f"the log has version {u16(slot, 4)}")
        read = {
            "salt": u64(slot, 16), "first": u64(slot, 48), "settled": u64(slot, 56), "writes": u64(slot, 64),
            "mark_ordinal": u64(slot, 72), "mark_place": u64(slot, 80), "mark_number": u64(slot, 88),
        }  # fmt: skip
        if found is None or found["writes"] < read["writes"]:
            found = read
    return found


def read_header(content: bytes, salt: int) -> dict | None:
    """The header of a segment."""
    right = content[:4] == b"TRLG" and is_sealed(content[:HEADER_BYTES], HEADER_BYTES)
    if not right or u32(content, 4) != 1 or u64(content, 16) != salt:
        return None
    return {
        "alignment": u32(content, 8), "chain": u32(content, 12), "epoch": u64(content, 40),
        "first": u64(content, 48), "ordinal": u64(content, 56), "content": content[: u64(content, 64)],
    }  # fmt: skip


def read_block_header(content: bytes, place: int, salt: int) -> dict | None:
    header = content[place : place + HEADER_BYTES]
    if header[:4] != b"TRLB" or not is_sealed(header, HEADER_BYTES) or u64(header, 16) != salt:
        return None
    return {
        "id": identity(header, 24), "content_crc": u32(header, 8), "chain": u32(header, 12), "epoch": u64(header, 40),
        "first": u64(header, 48), "settled": u64(header, 56), "count": u32(header, 64), "length": u32(header, 68),
        "crc": u32(header, 76),
    }  # fmt: skip


def read_block(segment: dict, place: int, salt: int) -> dict | None:
    """A block whose content and padding are right; what it follows is for the caller to judge."""
    block = read_block_header(segment["content"], place, salt)
    if block is None:
        return None
    start = place + HEADER_BYTES
    end = start + block["length"]
    block["end_place"] = -(-end // segment["alignment"]) * segment["alignment"]
    if block["end_place"] > len(segment["content"]):
        return None
    block["content"] = segment["content"][start:end]
    if crc32c(block["content"]) != block["content_crc"] or any(segment["content"][end : block["end_place"]]):
        return None
    return block


def read_log(folder: Path) -> dict:
    """All of the log: its numbers, its records, and how many places are damaged."""
    superblock = read_superblock((folder / "superblock").read_bytes())
    if superblock is None:
        raise ValueError("no slot of the superblock counts")
    salt = superblock["salt"]
    headers = (read_header(path.read_bytes(), salt) for path in folder.glob("segment-*"))
    segments = sorted((header for header in headers if header), key=lambda segment: segment["ordinal"])
    while len(segments) > 1 and segments[1]["first"] <= superblock["first"]:
        segments.pop(0)
    log = {"first": superblock["first"], "next": 1, "settled": superblock["settled"], "damage": 0, "records": []}
    for index, segment in enumerate(segments):
        limit = segments[index + 1] if index + 1 < len(segments) else None
        read_segment(log, segment, limit, salt)
    marked = any(segment["ordinal"] == superblock["mark_ordinal"] for segment in segments)
    if log["next"] < superblock["mark_number"] or superblock["mark_ordinal"] and not marked:
        log["damage"] += 1
    log["records"] = [one for one in log["records"] if one["first"] + one["count"] > superblock["first"]]
    return log


def read_segment(log: dict, segment: dict, limit: dict | None, salt: int) -> None:
    number, chain, epoch = segment["first"], segment["chain"], segment["epoch"]
    place = segment["alignment"]
    follows_damage = False
    while limit is None or number < limit["first"]:
        block = read_block(segment, place, salt)
        if (
            block is not None
            and block["first"] == number
            and (follows_damage or block["chain"] == chain)
            and block["epoch"] >= epoch
        ):
            log["records"].append(block)
            log["settled"] = max(log["settled"], block["settled"])
            number, chain, epoch = number + block["count"], block["crc"], block["epoch"]
            place, follows_damage = block["end_place"], False
            continue
        place = search(segment, place, number, epoch, salt)
        if place is None:
            break
        log["damage"] += 1
        number, follows_damage = read_block_header(segment["content"], place, salt)["first"], True
    if limit is not None and (number, chain) != (limit["first"], limit["chain"]):
        log["damage"] += 1
    log["next"] = number


def search(segment: dict, place: int, number: int, epoch: int, salt: int) -> int | None:
    """Where the log goes on behind a place that is not right; None where that is its end."""
    for later in range(place + segment["alignment"], len(segment["content"]), segment["alignment"]):
        header = read_block_header(segment["content"], later, salt)
        if header is not None and header["first"] > number and header["epoch"] >= epoch:
            return later
    return None


def main() -> None:
    log = read_log(Path(sys.argv[1]))
    print(f"first {log['first']} next {log['next']} settled {log['settled']} damage {log['damage']}")
    for record in log["records"]:
        last = record["content"][-1] if record["content"] else 0
        print(record["id"], record["first"], record["count"], record["settled"], record["length"], last)


if __name__ == "__main__":
    main()
