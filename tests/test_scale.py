"""docs/scale.md says what its program computes, and the program's counts are those of torch's own layers."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from torch import nn

ROOT = Path(__file__).parent.parent
PROGRAM = runpy.run_path(str(ROOT / "examples/scale_of_a_run.py"))


def test_the_page_has_every_line_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    PROGRAM["main"]()
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    page = (ROOT / "docs/scale.md").read_text().splitlines()
    assert len(lines) > 12
    assert [line for line in lines if line not in page] == []


def test_a_blocks_weights_and_a_convolutions_are_those_of_torch() -> None:
    run = PROGRAM["Run"](depth=1, width=8, tokens=5, base=2, sides=(4,), blocks=(1,))
    block = [nn.Linear(8, 24, bias=False), nn.Linear(8, 8, bias=False), nn.Linear(8, 32, bias=False),
             nn.Linear(32, 8, bias=False)]  # fmt: skip
    assert run.generator == 5 * sum(layer.weight.numel() for layer in block) + 2 * 5 * 5 * 8
    assert run.encoder == 2 * nn.Conv2d(2, 2, 3, bias=False).weight.numel() * 4 * 4
    assert run.numbers == 2 * (16 + 2 + 2 * 4 + 2 * 1)
