"""Hatchling's build hook: compile the native loops where a compiler is there; the package works without them too."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = "drift_cli/fused/_native.so"


class NativeLoops(BuildHookInterface):
    """Adds the shared library to the wheel (or, for an editable install, to the source tree)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        spec = importlib.util.spec_from_file_location("compile_native", root / "drift_cli/fused/compile.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        why = module.compile_native(root / LIBRARY)
        if why is not None:
            (root / LIBRARY).unlink(missing_ok=True)
            print(f"drift: the native loops were not compiled and the eager path is used: {why}", file=sys.stderr)
            return
        # One library serves every Python and every torch: only the platform is in the name of the wheel.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data.update(pure_python=False, tag=f"py3-none-{platform}")
        build_data["force_include"][str(root / LIBRARY)] = LIBRARY
