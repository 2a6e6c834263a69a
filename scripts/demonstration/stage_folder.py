"""The demo's own pipeline: a temporary copy of compose/demo.yaml, secrets made up for this run, and free ports."""

import base64
import re
import secrets

from launcher import HOST, ROOT, Pipeline, free_port, new_folder
from supervision.binaries import Binaries

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

    def __init__(self, binaries: Binaries, subscriber_port: int):
        self.secrets = made_up_secrets()
        self.door_port = free_port(DOOR_PORT)
        text = re.sub(r"(?m)^(run|data)_dir: .*\n", "", CONFIGURATION.read_text())
        text = text.replace(f"{HOST}:{DOOR_PORT}", f"{HOST}:{self.door_port}")
        super().__init__(binaries.folder, new_folder("demo"),
                         text.replace(f"{HOST}:{SUBSCRIBER_PORT}", f"{HOST}:{subscriber_port}"), self.secrets)
