"""Settings by dotted keys."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf


def flat(settings: Any) -> dict[str, Any]:
    """`{"kernel.bandwidth": 0.1, …}` of typed settings; a list stays one."""
    return below("", OmegaConf.to_container(OmegaConf.structured(settings), resolve=True))


def below(prefix: str, node: Any) -> dict[str, Any]:
    """The same of a plain `node`, whose keys begin with `prefix`."""
    if isinstance(node, dict):
        return {key: value for name, each in node.items() for key, value in below(f"{prefix}{name}.", each).items()}
    return {prefix.rstrip("."): node}
