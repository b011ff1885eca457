"""What a run shows its judges while it trains stands beside what unseen images of all classes get."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift_cli import command as commands
from drift_cli.commands.train import judged
from drift_cli.commands.train.judged import Judged
from drift_cli.judging import frechet
from drift_cli.learned import Shelf
from drift_cli.shell.compose import settings
from drift_cli.training.setup import assemble


@pytest.mark.slow
def test_the_floors_of_the_curves_are_those_of_all_classes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(judged, "_AT_A_GLANCE", 180)  # half of what is held out
    words = ["dataset=digits", "dataset.labels=true", "batch_size=100", "generator.widths=[8]"]
    judges = Judged.of(assemble(settings(commands.find("train"), words)), Shelf(tmp_path))
    assert judges is not None
    jury, floors = judges.jury, judges.floors()
    assert floors["accuracy_floor"] == pytest.approx(jury.accuracy, abs=0.05)  # 2 sd of 180 at .98 are .02
    by_class = jury.held_out_classes.argsort()[:180]  # control: the first five classes alone are far from the data
    apart = frechet.frechet_distance(jury.unseen[by_class], jury.features)
    assert floors["frechet_floor"] < apart / 5  # classes at random lack none; their noise at 180 is a twentieth of that
    assert judges.floors() == floors


@pytest.mark.slow
def test_what_codes_can_reach_lies_between_the_data_and_codes_that_lose_more(tmp_path: Path) -> None:
    def limit(*words: str) -> dict[str, float]:
        common = ["dataset=digits", "dataset.labels=true", "batch_size=100", "generator.widths=[8]"]
        setup = assemble(settings(commands.find("train"), [*common, *words]), Shelf(tmp_path))
        judges = Judged.of(setup, Shelf(tmp_path))
        assert judges is not None
        return judges.limit

    codes = ["space=autoencoder", "space.widths=[8]", "space.epochs=15", "space.batch_size=32", "space.lr=0.01"]
    many, few = limit(*codes, "space.dimension=16"), limit(*codes, "space.dimension=2")
    assert many["frechet_floor"] == few["frechet_floor"] < many["frechet"] < few["frechet"] / 2
    assert few["accuracy"] < many["accuracy"]  # control: two numbers do not tell ten digits apart
    assert not limit("space=identity")
