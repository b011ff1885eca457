"""One file and one YAML for every object: found by its name, its settings those that the file has."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from drift_cli import catalogue
from drift_cli import command as commands
from drift_cli import config as configs
from drift_cli.catalogue import conf_dir
from drift_cli.config.objects import chosen, settings_class, standing_at, with_defaults
from drift_cli.errors import UserError
from drift_cli.setting import parameters
from drift_cli.shell.cli import main
from tests.problems.settings import composed

GROUPS = ("dataset", "space", "kernel", "drift", "schedule", "generator", "optimizer")
OPTIONS = [(group, file.stem) for group in GROUPS for file in sorted((conf_dir() / group).glob("*.yaml"))]
every_option = pytest.mark.parametrize(("group", "option"), OPTIONS, ids=[f"{g}={o}" for g, o in OPTIONS])

SECH = """
import math
from dataclasses import dataclass, replace
from torch.nn.functional import softplus
from drift_cli.kernels.base import Bandwidth

@dataclass(frozen=True)
class Sech:
    bandwidth: Bandwidth

    def log_profile(self, r):
        u = r / self.bandwidth
        return math.log(2) - u - softplus(-2 * u)

    def scaled(self, factor):
        return replace(self, bandwidth=factor * self.bandwidth)
"""


@every_option
def test_an_option_has_the_settings_of_its_object_and_no_other(group: str, option: str) -> None:
    entries = OmegaConf.load(conf_dir() / group / f"{option}.yaml")
    kind = catalogue.find(group, entries.name)
    assert {str(key) for key in entries} - {"name"} == set(parameters(kind))


@every_option
def test_every_setting_has_a_line_of_help(group: str, option: str) -> None:
    kind = catalogue.find(group, OmegaConf.load(conf_dir() / group / f"{option}.yaml").name)
    for parameter in parameters(kind).values():
        assert parameter.setting.help
        assert "\n" not in parameter.setting.help


def disagreements(kind: type, values: dict, prefix: str = "") -> list[str]:
    """The fields whose default is another than the YAML file's, but for those that say what was before them."""
    found = []
    for each in fields(kind):
        factory = each.default_factory
        default = each.default if factory is MISSING else factory()
        if default is MISSING or each.name not in values:
            continue
        if is_dataclass(default):
            found += disagreements(type(default), values[each.name], f"{prefix}{each.name}.")
        elif not each.metadata.get("before") and default != values[each.name]:
            found.append(f"{prefix}{each.name}: {default} and {values[each.name]}")
    return found


@every_option
def test_a_default_stands_in_the_class_as_in_the_yaml(group: str, option: str) -> None:
    values = OmegaConf.to_container(OmegaConf.load(conf_dir() / group / f"{option}.yaml"))
    kind = catalogue.find(group, values["name"])
    if option == values["name"] and is_dataclass(kind) and not hasattr(kind, "from_settings"):
        assert disagreements(kind, values) == []


@pytest.mark.parametrize("command", commands.names())
def test_a_default_of_a_command_is_that_of_its_yaml(command: str) -> None:
    found = commands.find(command)
    assert disagreements(found.schema(), OmegaConf.to_container(OmegaConf.load(found.yaml), resolve=False)) == []


def test_a_name_means_the_class_of_its_file() -> None:
    assert catalogue.find("kernel", "matern32").__name__ == "Matern32"
    assert catalogue.find("optimizer", "adamw").__name__ == "AdamW"
    assert catalogue.find("discrepancy", "sliced_wasserstein").__name__ == "SlicedWasserstein"


@pytest.mark.parametrize("name", ["laplce", "base", "matern72", "../cli", "", "__init__"])
def test_what_is_no_option_is_no_object(name: str) -> None:
    with pytest.raises(UserError, match=r"kernel\.name must be one of designed, gaussian, laplace, "):
        catalogue.find("kernel", name)


@pytest.mark.parametrize("name", ["os.system", "subprocess.Popen", "drift_cli.kernels.laplace.Laplace"])
def test_a_class_that_nobody_vouched_for_is_not_looked_up(name: str) -> None:
    with pytest.raises(UserError, match="classes that a folder names are not run"):
        catalogue.find("kernel", name)


@pytest.mark.parametrize(
    ("group", "name", "values", "told"),
    [
        ("kernel", "laplace", {"bandwidth": 0.0}, "kernel.bandwidth must be a finite number above 0, got 0.0"),
        ("kernel", "laplace", {"bandwidth": 1e10}, "kernel.bandwidth must be from 1e-09 to 1e"),
        ("dataset", "rings", {"radii": [1.0, -1.0], "noise": 0.0}, "each of dataset.radii must be a finite number"),
        ("dataset", "rings", {"radii": [], "noise": 0.0}, "dataset.radii must name at least one value"),
        ("drift", "mean_shift", {"self_term": "exlude"}, "drift.self_term must be one of include, exclude, balanced"),
    ],
)
def test_a_value_is_refused_by_the_rule_that_stands_at_the_field(
    group: str, name: str, values: dict, told: str
) -> None:
    with pytest.raises(UserError) as refused:
        chosen(group, name, **values)
    assert str(refused.value).startswith(told)


def test_settings_reach_another_process_as_they_are() -> None:
    mixture = chosen("dataset", "gaussian_mixture", modes=2, dimension=1, radius=1.0, std=0.1)
    again = pickle.loads(pickle.dumps(mixture))
    assert again == mixture
    assert again.made() == mixture.made()
    assert settings_class("dataset", "gaussian_mixture") is type(again)


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """A package of a user's own beside a folder of configurations, and the environment in which it can be imported."""
    (tmp_path / "my_package.py").write_text(SECH)
    (tmp_path / "my_conf/kernel").mkdir(parents=True)
    (tmp_path / "my_conf/kernel/sech.yaml").write_text("name: my_package.Sech\nbandwidth: 0.08\n")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}


def drift(*words: str, where: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "drift_cli", *words], cwd=where, env=environment, capture_output=True,
                          text=True, check=False, timeout=300)  # fmt: skip


def test_a_mixture_takes_a_kernel_of_ones_own_at_the_users_word_alone(
    tmp_path: Path, outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(catalogue, "_trusted", set())
    components = [{"kernel": "my_package.Sech", "weight": 0.5, "factor": 2.0}, {"kernel": "laplace", "weight": 0.5}]

    def mixture():
        return standing_at("kernel", "kernel", {"name": "mixture", "bandwidth": 0.1, "components": components})

    with pytest.raises(UserError, match=r"add trust=\[my_package.Sech\] if you trust it"):
        mixture()
    catalogue.trust(["my_package.Sech"])
    first, second = mixture().made().components
    assert (type(first).__name__, first.bandwidth, second.bandwidth) == ("Sech", 0.2, 0.1)
    components[0]["kernel"] = "my_package.Gone"
    catalogue.trust(["my_package.Gone"])
    with pytest.raises(UserError, match=r"my_package\.Gone, which cannot be imported"):
        mixture()


BASE = """
from drift_cli.drift import MeanShift

class Own(MeanShift):
    pass

class Bare:
    def __call__(self, kernel, x, data, model, *, paired):
        return data.mean(0) - x
"""


def test_a_base_of_ones_own_has_what_the_drift_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(catalogue, "_trusted", {"my_base.Own", "my_base.Bare"})
    (tmp_path / "my_base.py").write_text(BASE)

    def of(base: str):
        return chosen("drift", "multi_temperature", self_term="exclude", base=base, factors=[1.0], normalize="none")

    assert type(of("my_base.Own").made().base).__name__ == "Own"
    for wrong, told in (("my_base.Bare", "a class of your own with the method at_factors"), ("sharp", 'got "sharp"')):
        with pytest.raises(UserError, match=told):
            of(wrong)


@pytest.mark.slow
def test_a_kernel_of_ones_own_trains_and_is_loaded_at_the_users_word_alone(tmp_path: Path, outside) -> None:
    small = ["steps=3", "batch_size=32", "generator.widths=[8]", "evaluation.points=50", "evaluation.large_points=0",
             "device=cpu", "hydra.run.dir=run"]  # fmt: skip
    done = drift("train", "kernel=sech", "--config-dir", "my_conf", *small, where=tmp_path, environment=outside)
    assert done.returncode == 0, done.stderr
    assert "my_package.Sech kernel σ₀ = 0.08" in done.stdout
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] == 3

    words = ("train", "resume=run", "steps=5")
    refused = drift(*words, where=tmp_path, environment=outside)
    assert refused.returncode == 2
    assert "classes that a folder names are not run" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert drift(*words, "trust=my_package.Sech", where=tmp_path, environment=outside).returncode == 0
    wrong = drift("train", "kernel=sech", "kernel.bandwidth=0", "--config-dir", "my_conf", where=tmp_path,
                  environment=outside)  # fmt: skip
    assert wrong.returncode == 2
    assert "kernel.bandwidth must be a finite number above 0" in wrong.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class Sech:\n    pass\n", "my_package.Sech is not usable as kernel: it lacks log_profile"),
        (SECH.replace("bandwidth: Bandwidth", "bandwidth: float"), "Sech takes bandwidth, which is not a setting"),
        ("Sech = 3\n", "kernel.name must be a class, got my_package.Sech, which is of type int"),
        ("class Sech(\n", "which cannot be imported: '(' was never closed"),
        ("", "which cannot be imported: module 'my_package' has no attribute 'Sech'"),
    ],
)
def test_a_class_that_is_no_kernel_is_refused_in_one_line(
    text: str, told: str, tmp_path: Path, outside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_package", raising=False)
    (tmp_path / "my_package.py").write_text(text)
    settings_class.cache_clear()
    assert main(["train", "kernel=sech", "--config-dir", "my_conf", "hydra.run.dir=run"]) == 2
    refused = capsys.readouterr().err
    assert told in refused
    assert refused.count("\n") == 1
    assert not (tmp_path / "run").exists()


SMALL = ("steps=3", "batch_size=32", "generator.widths=[8]", "evaluation.points=50", "evaluation.large_points=0",
         "device=cpu")  # fmt: skip
NO_DRIFT = """
class {name}:
    def __call__(self, kernel, x, data, model, *, paired):
        return {returned}
"""


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (
            "x.sum(dim=1)",
            "The drift must have the shape of its queries, [8, 2], and with drift=my_package.Mine it has [8]",
        ),
        pytest.param(
            "data @ x",
            "drift=my_package.Mine cannot be trained with: 8 points end in RuntimeError",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "data.points",
            "drift=my_package.Mine cannot be trained with: 8 points end in AttributeError",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_drift_of_ones_own_is_tried_before_the_training(returned: str, told: str, tmp_path: Path, outside) -> None:
    (tmp_path / "my_package.py").write_text(NO_DRIFT.format(name="Mine", returned=returned))
    (tmp_path / "my_conf/drift").mkdir()
    (tmp_path / "my_conf/drift/mine.yaml").write_text("name: my_package.Mine\n")
    words = ("train", "drift=mine", "--config-dir", "my_conf", *SMALL, "hydra.run.dir=run")
    refused = drift(*words, where=tmp_path, environment=outside)
    assert refused.returncode == 2, refused.stderr
    assert told in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_all_that_needs_the_users_word_is_asked_for_at_once(tmp_path: Path, outside) -> None:
    (tmp_path / "my_package.py").write_text(SECH + NO_DRIFT.format(name="Mine", returned="data.mean(0) - x"))
    (tmp_path / "my_conf/drift").mkdir()
    (tmp_path / "my_conf/drift/mine.yaml").write_text("name: my_package.Mine\n")
    words = ("train", "kernel=sech", "drift=mine", "--config-dir", "my_conf", *SMALL, "hydra.run.dir=run")
    assert drift(*words, where=tmp_path, environment=outside).returncode == 0
    refused = drift("sample", "run=run", "n=5", where=tmp_path, environment=outside)
    assert "trust=[my_package.Sech,my_package.Mine]" in refused.stderr
    trusted = "trust=[my_package.Sech,my_package.Mine]"
    assert drift("sample", "run=run", "n=5", trusted, where=tmp_path, environment=outside).returncode == 0


@pytest.mark.slow
def test_what_an_installed_package_offers_needs_its_name_alone(tmp_path: Path, outside) -> None:
    """An entry point and a folder `conf`, as `pip install` leaves them."""
    offered = tmp_path / "my_package-1.0.dist-info"
    offered.mkdir()
    (offered / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n")
    (offered / "entry_points.txt").write_text("[drift.kernel]\nsech = my_package.kernels:Sech\n")
    (tmp_path / "my_package/conf/kernel").mkdir(parents=True)
    (tmp_path / "my_package.py").rename(tmp_path / "my_package/kernels.py")
    (tmp_path / "my_package/__init__.py").touch()
    (tmp_path / "my_package/conf/kernel/sech.yaml").write_text("name: sech\nbandwidth: 0.08\n")
    shown = drift("train", "--help", where=tmp_path, environment=outside)
    assert re.search(r"^  kernel .*\bsech\b", shown.stdout, re.M)
    done = drift("train", "kernel=sech", *SMALL, "hydra.run.dir=run", where=tmp_path, environment=outside)
    assert done.returncode == 0, done.stderr
    again = drift("sample", "run=run", "n=5", where=tmp_path, environment=outside)
    assert again.returncode == 0, again.stderr


DISCREPANCY = """
class Means:
    def __call__(self, kernel, x, data, generator):
        return (x.mean(0) - data.mean(0)).square().sum()
"""


@pytest.mark.slow
def test_options_of_ones_own_serve_within_a_drift_and_in_a_study(tmp_path: Path, outside) -> None:
    """By the names of their files, which the run's settings replace by those of the classes."""
    (tmp_path / "my_package.py").write_text(SECH + DISCREPANCY)
    (tmp_path / "my_conf/discrepancy").mkdir()
    (tmp_path / "my_conf/discrepancy/means.yaml").write_text("name: my_package.Means\n")
    words = ("train", "drift=from_discrepancy", "drift.discrepancy=means", "--config-dir", "my_conf", *SMALL)
    done = drift(*words, "hydra.run.dir=run", where=tmp_path, environment=outside)
    assert done.returncode == 0, done.stderr
    assert "name: my_package.Means" in (tmp_path / "run/config.yaml").read_text()
    (tmp_path / "my_package.py").write_text(SECH + DISCREPANCY.replace("data, generator", "data"))
    refused = drift(*words, "hydra.run.dir=other", where=tmp_path, environment=outside)
    assert "drift.discrepancy=my_package.Means cannot be trained with: 8 points end in TypeError" in refused.stderr
    assert refused.stderr.count("\n") == 1
    for study in (
        ("train", "kernel=mixture", "kernel.components=[{kernel: sech}]"),
        ("compare-operators", "+operators.mine={drift: mean_shift, kernel: sech, bandwidth: 0.1}", "only=[mine]"),
    ):
        shown = drift(*study, "--config-dir", "my_conf", "--cfg", "job", where=tmp_path, environment=outside)
        assert shown.returncode == 0, shown.stderr


@pytest.mark.slow
def test_what_a_file_leaves_to_its_class_is_shown_and_can_be_set(tmp_path: Path, outside) -> None:
    power = "    power: Annotated[float, Setting('p', (positive,))] = 2.0\n"
    text = SECH.replace("    bandwidth: Bandwidth\n", f"    bandwidth: Bandwidth\n{power}")
    imports = (
        "from typing import Annotated\nfrom drift_cli.rules import positive\nfrom drift_cli.setting import Setting\n"
    )
    (tmp_path / "my_package.py").write_text(text.replace("import math\n", f"import math\n{imports}"))
    words = ("train", "kernel=sech", "--config-dir", "my_conf")
    shown = drift(*words, "--help", where=tmp_path, environment=outside)
    assert "kernel.power=2.0" in shown.stdout
    refused = drift(*words, "kernel.power=3", where=tmp_path, environment=outside)
    assert "kernel.power is not set, so it cannot be changed: write +kernel.power=… to add it." in refused.stderr
    done = drift(*words, "+kernel.power=3", "--cfg", "job", where=tmp_path, environment=outside)
    assert done.returncode == 0, done.stderr


def test_help_and_refusals_know_the_options_of_ones_own(tmp_path: Path, outside) -> None:
    shown = drift("train", "kernel=sech", "--config-dir", "my_conf", "--help", where=tmp_path, environment=outside)
    assert "kernel.bandwidth=0.08" in shown.stdout
    assert re.search(r"^  kernel .*\bsech\b", shown.stdout, re.M)
    near = drift("train", "kernel=sec", "--config-dir", "my_conf", where=tmp_path, environment=outside)
    assert 'There is no kernel "sec". Did you mean "sech"?' in near.stderr
    (tmp_path / "my_conf/kernel/sech.yaml").write_text("name: [sech\nbandwidth: : 1\n")
    broken = drift("train", "kernel=sech", "--config-dir", "my_conf", where=tmp_path, environment=outside)
    assert broken.returncode == 2
    assert "my_conf/kernel/sech.yaml, line 2, cannot be read as YAML: " in broken.stderr
    assert broken.stderr.count("\n") == 1


def test_a_file_of_ones_own_replaces_no_name_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/laplace.yaml").write_text("name: my_package.Laplace\nbandwidth: 7.0\n")
    monkeypatch.setattr(catalogue, "_folders", [tmp_path])
    assert catalogue.find("kernel", "laplace").__module__ == "drift_cli.kernels.laplace"
    assert with_defaults("kernel", "laplace").bandwidth == 0.1


def test_trust_names_classes() -> None:
    for wrong in ("nonsense", "5", "a b.C"):
        with pytest.raises(UserError, match="trust must name classes as"):
            catalogue.trust([wrong])


def test_a_folder_that_somebody_sent_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configs.save(composed("train", []), tmp_path / "config.yaml")
    sent = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(sent.replace("name: laplace", "name: os.system"))
    assert main(["train", f"resume={tmp_path}"]) == 2
    assert "kernel.name is os.system" in capsys.readouterr().err


def test_an_object_within_an_object_is_given_by_its_name_or_with_its_settings() -> None:
    short = chosen("drift", "from_discrepancy", self_term="include", discrepancy="sliced_wasserstein")
    full = chosen(
        "drift", "from_discrepancy", self_term="include", discrepancy={"name": "sliced_wasserstein", "projections": 8}
    )
    assert (short.made().discrepancy.projections, full.made().discrepancy.projections) == (64, 8)
    assert pickle.loads(pickle.dumps(full)).made() == full.made()
    with pytest.raises(UserError, match=r"my_package\.Means, which is not part of this project"):
        chosen("drift", "from_discrepancy", self_term="include", discrepancy={"name": "my_package.Means"})
