"""The command line: help, refusals, completion, presets; all of it before torch is imported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import hydra
import pytest

from drift_cli import command as commands
from drift_cli.catalogue import GROUPS, conf_dir
from drift_cli.commands.train import run as train
from drift_cli.errors import UserError
from drift_cli.shell import compose, launch
from drift_cli.shell.cli import main
from tests.cli.test_refusals import REFUSALS
from tests.problems.settings import composed

NO_TORCH = """
import sys
from drift_cli.shell.cli import main
status = main(sys.argv[1:])
sys.stdout.flush()
assert "torch" not in sys.modules, "torch was imported"
sys.exit(status)
"""


def without_torch(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-c", NO_TORCH, *words]
    return subprocess.run(run, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["help", "train"],
        ["sample", "--help"],
        ["table", "--help"],
        ["train", "--cfg", "job"],
        ["completion", "bash"],
    ],
    ids=" ".join,
)
def test_it_answers_without_torch(words: list[str], tmp_path: Path) -> None:
    answer = without_torch(*words, cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.strip()
    assert not list(tmp_path.iterdir())  # and leaves nothing behind


REFUSED = "train batch_size=1"
REFUSED_AT_WORK = "train -m seed=0,1 dataset=array dataset.path=nowhere.csv"  # each job in turn, not beforehand


@pytest.mark.parametrize(
    "words",
    [
        f"{REFUSED} hydra.run.dir=some/where/else",
        f"{REFUSED} hydra.run.dir=some/${{seed}}",
        "train -m batch_size=0,1",
        "train -m batch_size=0,1 hydra.sweep.dir=some/where hydra.sweep.subdir=a/${batch_size}",
        f"{REFUSED_AT_WORK} hydra.sweep.dir=some/where hydra.sweep.subdir=a/${{seed}}",
        "train -m kernel=gaussian,gausian",
        "verify-score repeats=1",
    ],
)
def test_a_refused_command_leaves_no_folder(words: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == (1 if REFUSED_AT_WORK in words else 2)  # a sweep whose jobs failed, all of them
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["mine", "mine/new", "mine/new/er", "{tmp}/mine/new", "."])
def test_a_refused_command_leaves_what_was_there(folder: str, tmp_path: Path, monkeypatch) -> None:
    """The user's own folders stay, empty ones too, and what other runs left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "outputs" / "train").mkdir(parents=True)
    assert main([*REFUSED.split(), f"hydra.run.dir={folder.format(tmp=tmp_path)}"]) == 2
    assert main(REFUSED.split()) == 2
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "mine",
        "outputs",
        "outputs/train",
    ]


@pytest.mark.parametrize("kept", [[], ["multirun.yaml"], ["0/config.yaml"]], ids=["nothing", "a note", "a run"])
def test_a_sweep_that_is_refused_leaves_what_was_there(kept: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine/", *(f"mine/{each}" for each in kept)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    assert main([*REFUSED_AT_WORK.split(), "hydra.sweep.dir=mine"]) == 1
    left = {str(path.relative_to(tmp_path / "mine")) for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    assert left - {"multirun.yaml"} == set(kept) - {"multirun.yaml"}
    assert ("multirun.yaml" in left) == bool(kept)  # Hydra's note goes where the sweep left nothing else
    assert not (tmp_path / "mine/1").exists()


@pytest.mark.parametrize("key", ["hydra.run.dir", "hydra.sweep.dir"])
def test_a_file_where_the_folder_shall_be_is_named(key: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("mine")
    assert main(["train", *(["-m", "seed=0,1"] if "sweep" in key else []), f"{key}=README.md"]) == 2
    told = f"drift: README.md is a file, but the output needs a folder: choose another with {key}=…\n"
    assert capsys.readouterr().err == told
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "jobs"),
    [
        ("seed=0,1", 2),
        ("kernel=gaussian,laplace seed=${hydra:job.num}", 2),
        ("experiment=deng_toy,paper_swiss_roll kernel=gaussian,laplace optimizer={lr:1} kernel.bandwidth=1,2", 8),
    ],
)
def test_the_jobs_of_a_sweep_are_checked_as_they_will_run(words: str, jobs: int, tmp_path: Path, monkeypatch) -> None:
    """All of them before the first one runs, in the same order and with the same settings."""
    order: list[str] = []
    settings: dict[str, list[Any]] = {"checked": [], "run": []}

    def note(what: str, config: Any) -> Any:
        order.append(what)
        settings[what].append(config)
        return config

    monkeypatch.chdir(tmp_path)
    checked = compose.checked
    monkeypatch.setattr(compose, "checked", lambda *given: note("checked", checked(*given)))
    monkeypatch.setattr(train, "run", lambda config, folder: note("run", config))
    assert main(["train", "-m", *words.split()]) == 0
    assert order == ["checked"] * jobs + ["checked", "run"] * jobs
    assert settings["checked"][:jobs] == settings["run"]
    assert len({str(config) for config in settings["run"]}) == jobs


def test_a_sweep_of_many_jobs_is_checked_within_seconds(monkeypatch, refusal) -> None:
    """A hundred take a second or two on a quiet core; composed one by one they take four times as long."""
    composed: list[list[str]] = []
    compose_one = hydra.compose
    monkeypatch.setattr(
        hydra, "compose", lambda name, words, **how: composed.append(words) or compose_one(name, words, **how)
    )
    seeds = ",".join(map(str, range(99)))
    told = (
        'seed must be of type integer, got "x": give a whole number. None of the 100 jobs was started; this one is '
        "seed=x."
    )
    assert refusal("train", "-m", f"seed={seeds},x", "kernel=laplace") == told
    assert len(composed) <= 3  # what the sweep is of, the first job, and one for all others


def test_a_missing_memory_is_told_without_the_words_of_the_allocator() -> None:
    raw = RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory")
    for failure in (raw, MemoryError()):
        told = launch._told(failure, commands.find("train"))
        assert isinstance(told, UserError)
        assert str(told) == (
            "There is not enough memory for these sizes: lower batch_size, the generator's widths or the sizes under "
            "evaluation."
        )
    other = RuntimeError("something else")
    assert launch._told(other, commands.find("train")) is other


def test_help_of_a_command_either_way(capsys) -> None:
    assert main(["help", "train"]) == 0
    told = capsys.readouterr().out
    assert main(["train", "--help"]) == 0
    assert told == capsys.readouterr().out
    assert main(["help"]) == 0
    assert capsys.readouterr().out.startswith("drift: a research bench")


@pytest.mark.parametrize(
    "words",
    [
        "train kernel=gausian",
        "train kernel.bandwith=1",
        "train seed=x",
        "train -m seed=x,0",
        "train --laplace",
    ],
)
def test_refusals_come_before_torch(words: str, tmp_path: Path) -> None:
    answer = without_torch(*words.split(), cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (2, f"drift: {dict(REFUSALS)[words]}\n")


def test_cuda_without_a_gpu_is_refused(refusal, monkeypatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    told = "device=cuda needs a CUDA GPU that torch can see, and there is none: use device=auto or cpu."
    assert refusal("train", "device=cuda") == told


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("drift t", ["train", "table"]),
        ("drift ", commands.names()),
        ("drift train kern", ["kernel."]),
        ("drift train kernel=", ["kernel=gaussian", "kernel=laplace"]),
        ("drift train kernel=la", ["kernel=laplace"]),
        ("drift train kernel=laplace see", ["seed="]),
        ("drift nothing ", []),
        ("drift spectral experiment=", ["experiment=fig2"]),
        ("drift paper si", ["size="]),
    ],
)
def test_completion_knows_commands_groups_and_settings(line: str, expected: list[str], monkeypatch, capsys) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    assert main(["-sc", "query=bash"]) == 0
    found = capsys.readouterr().out.split()
    assert set(expected) <= set(found)
    if not expected:
        assert found == []


def groups() -> dict[str, list[str]]:
    train = commands.find("train")
    return {folder.name: list(train.options(folder.name)) for folder in conf_dir().iterdir() if folder.name in GROUPS}


CHOICES = [("train", f"{group}={option}") for group, options in groups().items() for option in options]
CHOICES += [
    (name, f"experiment={preset}") for name in commands.names() for preset in commands.find(name).options("experiment")
]


@pytest.mark.parametrize(("command", "choice"), CHOICES, ids=" ".join)
def test_every_option_and_every_preset_composes_and_passes_its_checks(command: str, choice: str) -> None:
    """A user's own data, and nothing else, needs a path."""
    own = choice in ("dataset=array", "dataset=images")
    assert composed(command, [choice, "dataset.path=x.csv"] if own else [choice])


def test_help_lists_every_group_with_its_options() -> None:
    answer = without_torch("train", "--help").stdout
    for group, options in groups().items():
        line = next(line for line in answer.splitlines() if re.match(rf"  {group} ", line))
        assert line.split(maxsplit=1)[1].replace("*", "").split(", ") == options


@pytest.mark.parametrize("command", commands.names())
def test_help_lists_the_presets_of_the_command_alone(command: str, capsys) -> None:
    assert main([command, "--help"]) == 0
    listed = re.findall(r"^Presets \(experiment=NAME\): (.*)$", capsys.readouterr().out, re.M)
    own = list(commands.find(command).options("experiment"))
    assert listed == ([", ".join(own)] if own else [])


@pytest.mark.parametrize("command", commands.names())
def test_the_example_of_the_help_is_a_choice_that_the_command_has(command: str, tmp_path: Path, capsys) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    examples = re.findall(rf"`drift {command} ((\w+)=(\w+) --cfg job)`", told)
    assert len(examples) == bool(re.search(r"^  (kernel|optimizer) ", told, re.M))
    for example, group, option in examples:
        assert f"{option}*" not in told  # not the default, which would show nothing
        assert main([command, *example.split()]) == 0
        assert re.search(rf"^{group}:\n(  .*\n)*?  name: {option}$", capsys.readouterr().out, re.M)


def test_the_folder_of_another_command_is_not_resumed(tmp_path: Path, refusal) -> None:
    for command in ("train", "spectral"):
        folder = tmp_path / command
        folder.mkdir()
        (folder / "config.yaml").write_text("seed: 0\n")
        (folder / "provenance.json").write_text(json.dumps({"command": f"drift {command} 'a b=1'"}))
    assert refusal("stop-grad-study", "resume=train") == (
        "`drift stop-grad-study` cannot resume train, which `drift train` wrote: `drift train resume=train` resumes it."
    )
    assert refusal("train", "resume=spectral") == (
        "`drift train` cannot resume spectral, which `drift spectral` wrote: `drift spectral` takes no resume=, so "
        "start a new run."
    )
    (tmp_path / "train" / "provenance.json").unlink()  # nothing says whose it is: the settings do
    assert refusal("stop-grad-study", "resume=train") == (
        '`drift stop-grad-study` cannot resume train because of its config.yaml: There is no setting "seed". Did you '
        'mean "seeds"? Available: datasets, kernels, paths, bandwidth, drift, generator, optimizer, batch_size, steps, '
        "seeds, pairs, track, points, projections, draws, plane, device, jobs, executor, resume."
    )


def test_help_says_what_a_chosen_preset_is_and_refuses_one_that_is_none(capsys, refusal) -> None:
    assert main(["train", "experiment=deng_particles", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "experiment=deng_particles: Particles drifting toward a bimodal target" in shown
    assert "@package" not in shown
    assert refusal("train", "--help", "experiment=deng_toys") == (
        'There is no experiment "deng_toys". Did you mean "deng_toy"? Available: deng_particles, deng_toy, '
        "paper_checkerboard, paper_swiss_roll."
    )


def test_help_explains_the_options_that_are_chosen(capsys) -> None:
    assert main(["train", "kernel=rational_quadratic", "drift=multi_temperature", "--help"]) == 0
    said = capsys.readouterr().out
    assert "kernel.alpha=2.0" in said
    assert "exponent: the smaller, the heavier the tail" in said
    assert re.search(r"drift.normalize=none +rms: .* \(none \| rms\)", said)
    assert main(["train", "--help"]) == 0
    assert "kernel.alpha" not in capsys.readouterr().out


def test_a_folder_of_own_configurations_that_is_not_there_is_named(refusal, tmp_path: Path) -> None:
    told = f'--config-dir must be a folder that exists, got "myconf": it is looked for from {tmp_path}.'
    assert refusal("train", "kernel=sech", "--config-dir", "myconf") == told


def test_a_misspelt_launcher_is_told_what_there_is(refusal) -> None:
    assert refusal("train", "-m", "seed=0,1", "hydra/launcher=jobliib") == (
        'There is no hydra/launcher "jobliib". Did you mean "joblib"? Available: joblib, ray, submitit, '
        "submitit_local, submitit_slurm."
    )
