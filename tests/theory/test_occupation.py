from __future__ import annotations

import numpy as np
import pytest

from drift_cli.theory import occupation

BANDWIDTHS = np.geomspace(3.0, np.sqrt(2) / 10, 16)


def test_small_perturbations_do_not_know_the_order() -> None:
    found = occupation.order_matters(10, 1e-5, BANDWIDTHS, 20.0, seed=0)
    for name in ("down", "up", "mixture"):
        # the first correction to the linear theory is of the order of the amplitude times the number of mode pairs
        assert found[name] == pytest.approx(found["linear"], rel=1e-3)


def test_large_ones_do() -> None:
    found = occupation.order_matters(10, 0.05, BANDWIDTHS, 20.0, seed=0)  # control: beyond the linear theory
    assert abs(found["down"] / found["up"] - 1) > 1e-3


def test_one_bandwidth_decays_a_mode_at_its_rate() -> None:
    q = occupation.perturbed(1, 1e-6, seed=0)
    rate = 0.25 * np.exp(-0.125)
    ended = occupation.after(q, [np.array([0.5])], 2.0, 200)
    # fourth-order steps of 0.01, and the square of the amplitude
    assert occupation.total_error(ended) == pytest.approx(0.25e-12 * np.exp(-4 * rate), rel=1e-5)
    assert ended.mean() == pytest.approx(1, abs=1e-14)  # mass is kept
