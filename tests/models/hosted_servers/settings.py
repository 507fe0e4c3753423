"""How the contract servers are asked: keys that they take, and options for one of them."""

from pathlib import Path
from typing import Any

from tests.models.hosted_servers import ark, fal, kling, volcengine

KEYS = {
    "KLING_ACCESS_KEY": kling.ACCESS,
    "KLING_SECRET_KEY": kling.SECRET,
    "VOLC_ACCESS_KEY_ID": volcengine.ACCESS,
    "VOLC_SECRET_ACCESS_KEY": volcengine.SECRET,
    "FAL_KEY": fal.KEY,
    "ARK_API_KEY": ark.KEY,
}
FAST = {"poll_s": 0.05, "patience_s": 5.0, "timeout_s": 20.0}


def settings(server, folder: Path, **more: Any) -> dict[str, Any]:
    """Options for a contract server, with the state below `folder`."""
    return {"base_url": server.url, "upload": f"{server.url}/files", "state": str(folder / "state"), **FAST, **more}
