"""Compile the native loops: one shared library that holds every instruction set and picks one at run time.

Plain Python without dependencies: the package's build calls it, and a missing compiler is no error.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = Path(__file__).parent / "csrc"
_COMMON = ["-O3", "-std=c++17", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-DNDEBUG"]
_INSTRUCTION_SETS = {
    "baseline": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mprefer-vector-width=512"],
}


def compile_native(target: Path, extra: list[str] | None = None) -> str | None:
    """Write the library to `target`. Returns None on success, else why there is none (the last lines of the compiler).

    `extra` flags are for sanitizer builds.
    """
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++") or ""
    compiler = shlex.split(os.environ.get("CXX") or found)  # "ccache g++" is two words
    if not compiler:
        return "no C++ compiler was found"
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    sets = _INSTRUCTION_SETS if x86 else {"baseline": []}
    # OpenMP's pragmas become calls into torch's own runtime, so nothing is linked; without it, plain threads are used.
    for threads in (["-fopenmp"], ["-fopenmp-simd"], []):
        why = _build(compiler, target, sets, [*_COMMON, *threads, *(["-DDRIFT_X86"] if x86 else []), *(extra or [])])
        if why is None:
            return None
    return why


def _build(compiler: list[str], target: Path, sets: dict[str, list[str]], flags: list[str]) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        objects = {name: Path(folder) / f"{name}.o" for name in [*sets, "interface"]}
        commands = [
            [
                *compiler,
                *flags,
                *sets[name],
                f"-DDRIFT_VARIANT={name}",
                "-c",
                str(SOURCES / "variant.cpp"),
                "-o",
                str(place),
            ]
            for name, place in objects.items()
            if name in sets
        ]
        commands.append([*compiler, *flags, "-c", str(SOURCES / "interface.cpp"), "-o", str(objects["interface"])])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = [why for why in pool.map(_run, commands) if why]
        if failures:
            return failures[0]
        link_flags = [flag for flag in flags if flag.startswith("-fsanitize")]
        partial = target.with_suffix(".partial")
        why = _run([*compiler, "-shared", *link_flags, *map(str, objects.values()), "-o", str(partial)])
        if why is None:
            os.replace(partial, target)
        return why


def _run(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else "\n".join(done.stderr.splitlines()[-5:]) or f"status {done.returncode}"
