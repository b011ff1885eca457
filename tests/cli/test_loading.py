from __future__ import annotations

import gc

import pytest

from drift_cli.loading import collecting_nothing


@pytest.mark.parametrize("before", [True, False])
def test_garbage_is_collected_again_after_the_block_where_it_was_before_it(before: bool) -> None:
    def load() -> None:
        with collecting_nothing():
            assert not gc.isenabled()
            raise ImportError

    was = gc.isenabled()
    try:
        gc.enable() if before else gc.disable()
        with pytest.raises(ImportError):
            load()
        assert gc.isenabled() == before
    finally:
        gc.enable() if was else gc.disable()
