"""The demo's own pipeline: a temporary copy of compose/demo.yaml, secrets made up for this run, and free ports."""

import base64
import re
import secrets
from pathlib import Path

from launcher import HOST, ROOT, Pipeline, free_port, new_folder

CONFIGURATION = ROOT / "compose" / "demo.yaml"
DOOR_PORT, SUBSCRIBER_PORT = 8080, 9000


def made_up_secrets() -> dict[str, str]:
    """Secrets in the form in which each provider hands them out (Stream: text, FastPix: base64), tokens for those that
    sign nothing, and the signers'."""
    def random_base64() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    return {"STREAM_SECRET": secrets.token_hex(32), "FASTPIX_SECRET": random_base64(),
            "FISHJAM_PATH_TOKEN": secrets.token_hex(24), "SUPERVIZ_PATH_TOKEN": secrets.token_hex(24),
            "EYESON_PATH_TOKEN": secrets.token_hex(24),
            "EVERYTHING_SECRET": f"whsec_{random_base64()}", "CALLS_SECRET": f"whsec_{random_base64()}"}


class StageFolder(Pipeline):
    """Where the demo's stages run, and how its commands reach them."""

    def __init__(self, binaries: Path, subscriber_port: int):
        self.secrets, folder = made_up_secrets(), new_folder("demo")
        self.door_port = free_port(DOOR_PORT)
        text = CONFIGURATION.read_text()
        for former, ours in ((r"(?m)^run_dir: .*", f"run_dir: {folder}/run"),
                             (r"(?m)^data_dir: .*", f"data_dir: {folder}/data"),
                             (f"{HOST}:{DOOR_PORT}", f"{HOST}:{self.door_port}"),
                             (f"{HOST}:{SUBSCRIBER_PORT}", f"{HOST}:{subscriber_port}")):
            text = re.sub(former, ours, text)
        super().__init__(binaries, folder, text, self.secrets)
