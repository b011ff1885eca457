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


REFUSALS = [
    ("paper parts=fig1,fig2", "parts is a list: write parts=[fig1,fig2]."),
    ("train seed=0,1", "`drift train -m seed=0,1` runs once for each."),
    ("tarin", 'no command "tarin". Did you mean "train"?'),
    ("train kernel=gausian", 'no kernel "gausian". Did you mean "gaussian"?'),
    ("train kernal=laplace", 'no setting "kernal". Did you mean "kernel"?'),
    ("train kernel.bandwith=1", 'no setting "kernel.bandwith". Did you mean "kernel.bandwidth"?'),
    ("train stps=3", 'no setting "stps". Did you mean "steps"?'),
    ("train +stps=3", 'no setting "stps". Did you mean "steps"?'),
    ("train lr=1", 'no setting "lr". Did you mean "optimizer.lr"?'),
    ("train kernel.lr=1", 'no setting "kernel.lr". Did you mean "optimizer.lr"? Settings of kernel: bandwidth.'),
    ("train optimizer={rate:1}", 'no setting "optimizer.rate". Settings of optimizer: lr, '),
    ("train optimizer=[1]", 'optimizer must be one of adam, adamw, sgd, got the list "[1]".'),
    ("train experiment=[none]", 'got the list "[none]".'),
    ("train generator.widths={a:1}", 'generator.widths must be a list, got "{a:1}": write generator.widths=[…].'),
    ("train ema.dekay=0", 'no setting "ema.dekay". Did you mean "ema.decay"?'),
    ("train kernel=", "kernel must be one of designed, gaussian, laplace, matern32, matern52, mixture, "),
    ("train experiment=", "experiment must be one of deng_particles, "),
    ("train +kernel=laplace", "kernel is a setting already: write kernel=… without the +."),
    ("train ~nope", 'no setting "nope".'),
    ("train ~seed=4", "~seed=4 removes nothing: seed is 0"),
    ("train ~kernel=foo", "~kernel=foo removes nothing: write kernel=…"),
    ("compare-operators ~operators.shrp", 'Did you mean "operators.sharp"?'),
    ("compare-operators operators.shrp.drift=sharp", 'Did you mean "operators.sharp"?'),
    (
        "compare-operators operators.mmd.bandwith=1",
        'Did you mean "operators.mmd.bandwidth"? Settings of operators.mmd: drift, kernel, bandwidth, options.',
    ),
    (
        "compare-operators experiment=fig5 operators.sinkhorn_1e-1.options.epsilo=1",
        'Did you mean "operators.sinkhorn_1e-1.options.epsilon"?',
    ),
    ("compare-operators operators.energy.kernel=laplace", "write +operators.energy.kernel=… to add it."),
    ("train --cfg", "--cfg must be one of job, hydra, all, got nothing. Write --cfg job."),
    ("train --cfg jobs", '--cfg must be one of job, hydra, all, got "jobs". Did you mean "job"?'),
    ("train --info nothing", "--info must be one of all, config, "),
    ("train --package", "--package needs a value"),
    ("train --multirun=3", '--multirun takes no value, got "3"'),
    ("train --resolve", "write --cfg job --resolve."),
    ("train -m seed=0,1 --cfg job", "--cfg shows the settings of one run, and -m starts several: omit one of them"),
    ("train --resume x", 'no flag "--resume": settings have no dashes, write resume=x.'),
    ("train --batch-size=4", "write batch_size=4."),
    ("train --animate seed=1", "write animate=…."),
    ("train --lr 1", "write optimizer.lr=1."),
    ("train --kernel.bandwidth 1", "write kernel.bandwidth=1."),
    ("train --experiment deng_toy", "write experiment=deng_toy."),
    ("train --laplace", "write kernel=laplace."),
    ("paper --standard", "write size=standard."),
    ("paper hydra.run.dir=x", "`drift paper` has no run folder, got hydra.run.dir=x: write out=FOLDER."),
    ("sample hydra.run.dir=x run=y", "write out=FILE."),
    (
        "train resume=",
        "resume must name a run folder, got nothing: write resume=FOLDER, or resume=null to start a new run.",
    ),
    ("train resume=''", "resume must name a run folder"),
    ("stop-grad-study resume=", "resume must name a run folder"),
    ("compare-operators resume=", "resume must name a run folder"),
    ("train steps=1e3", 'steps must be of type integer, got "1e3": write 1000.'),
    ("train -m steps=1e3,2e3", 'steps must be of type integer, got "1000.0": write 1000.'),
    ("train steps=true", 'steps must be of type integer, got "true": give a whole number.'),
    ("train generator.widths=[1e2]", 'generator.widths[0] must be of type integer, got "100.0": write 100.'),
    ("train batch_size=99999999999", "batch_size must be at most 10000000, got 99999999999: lower it."),
    ("train steps=2000000000000", "steps must be at most 1000000000000, got 2000000000000"),
    ("train schedule=linear schedule.steps=2000000000000", "schedule.steps must be at most"),
    ("train generator=particles generator.count=99999999999", "generator.count must be at most"),
    ("bench batch_size=99999999999", "batch_size must be at most"),
    ("stop-grad-study batch_size=99999999999", "batch_size must be at most"),
    ("stop-grad-study pairs.batch_sizes=[99999999999]", "each of pairs.batch_sizes must be at most"),
    ("ablate-schedule batch_size=99999999999", "batch_size must be at most"),
    ("ablate-schedule steps=2000000000000", "steps must be at most"),
    ("compare-operators start_steps=2000000000000", "start_steps must be at most"),
    ("help trian", 'no command "trian". Did you mean "train"?'),
    ("train -m steps=2 seed=0,x", "give a whole number. None of the 2 jobs was started; this one is seed=x."),
    ("train hydra.mode=MULTIRUN steps=2 seed=0,x", "this one is seed=x."),
    ("train -m steps=2 seed=0,1 batch_size=4,1", "this one is seed=0 batch_size=1."),
    ("train -m seed=0,1 dataset.nois=1", 'Did you mean "dataset.noise"?'),
    ("train -m seed=0,1 resume=nowhere", "There is no folder nowhere"),
    ("train -m kernel=gaussian,laplace kernel.bandwidth=-1", "this one is kernel=gaussian."),
    ("train -m seed=x", 'seed must be of type integer, got "x": give a whole number.'),
    ("train --multrun", 'no flag "--multrun". Did you mean "--multirun"?'),
    ("spectral experiment=fig3", "is a preset of `drift stop-grad-study`, not of `drift spectral`"),
    ("train experiment=paper_swis_roll", 'Did you mean "paper_swiss_roll"?'),
    (
        "train drift.self_term=includ",
        'must be one of include, exclude, balanced, got "includ". Did you mean "include"?',
    ),
    ("train kernel.name=gaussan", 'Did you mean "gaussian"?'),
    ("train kernel=mixture kernel.components=[{kernel:gausian}]", 'Did you mean "gaussian"?'),
    ("train kernel.bandwidth=wide", 'kernel.bandwidth must be of type float, got "wide"'),
    ("train kernel.bandwidth=-1", "kernel.bandwidth must be a finite number above 0, got -1.0"),
    ("train kernel.bandwidth=0", "kernel.bandwidth must be a finite number above 0, got 0.0"),
    ("train kernel.bandwidth=1e-200", "kernel.bandwidth must be from 1e-09 to 1e+09"),
    ("train dataset=rings dataset.radii=[]", "dataset.radii must name at least one value"),
    ("train dataset=pinwheel dataset.twist=nan", "dataset.twist must be a finite number"),
    ("train threads=100000", "threads must be from 1 to 1024"),
    ("train generator.widths=5", 'generator.widths must be a list, got "5": write generator.widths=[5].'),
    ("train kernel.bandwidth=${foo}", "refers to ${foo}, and there is no such setting"),
    ("train -m kernel=gaussian,laplace kernel.bandwith=1", 'Did you mean "kernel.bandwidth"?'),
    ("train experiment=deng_particles generator.cuont=5", 'Did you mean "generator.count"?'),
    ("train +resume=nowhere", "There is no folder nowhere"),
    ("table a b", 'takes one folder, got "b" as well'),
    ("train kernel.bandwidth=nan", "kernel.bandwidth must be a finite number above 0, got nan"),
    ("train kernel.bandwidth=null", "kernel.bandwidth must have a value, got null"),
    ("train steps=1.5", 'steps must be of type integer, got "1.5"'),
    ("train batch_size=1", "batch_size must be at least 2, got 1"),
    ("train seed=-1", "seed must be at least 0, got -1"),
    ("train schedule=linear schedule.floor=2", "schedule.floor must be above 0 and at most 1, got 2.0"),
    ("train ema.decay=1", "ema.decay must be at least 0 and below 1"),
    ("train ema=3", "ema must be a group of settings"),
    ("train device=tpu", "device must be one of auto, cpu, cuda, mps"),
    ("train device=gpu", 'got "gpu". Did you mean "cuda"?'),
    ("sample run=x device=gpu", 'got "gpu". Did you mean "cuda"?'),
    ("train gradient_paths=[none,both]", "one word, got the list [none,both]: to run once for each, write -m"),
    ("train gradient_paths=[none]", "got the list [none]: write gradient_paths=none."),
    ("train gradient_paths={a:1}", "gradient_paths must be one word, got a group of settings"),
    ("train kernel=mixture kernel.components=[{kernel:[a]}]", "must be one word, got a list."),
    ("train +drift.self_tern=include", 'Did you mean "self_term"? Available: self_term.'),
    ("train gradient_paths=all", "gradient_paths must be one of none, query, samples, both"),
    ("train gradient_paths=both drift=multi_temperature drift.normalize=rms", "drift.normalize=rms makes constant"),
    ("train kernel=null", "A group must be one of its options, got null"),
    ("train kernel=gaussian,laplace", "drift train -m kernel=gaussian,laplace"),
    ("train kernel=[gaussian", "cannot be read as a setting"),
    ("train dataset=array", "dataset.path has no value yet"),
    ("train dataset=gaussian_mixture dataset.weights=[1,2]", "one entry per mode (4), got 2"),
    ("train dataset=gaussian_mixture dataset.means=[[1,2]]", "4 lists of 2 numbers"),
    ("train drift=multi_temperature drift.factors=[]", "drift.factors must name at least one value"),
    (
        "train drift=sinkhorn drift.epsilon=0",
        "drift.epsilon must be from 1e-09 to 1e+09, got 0.0: give a squared length",
    ),
    (
        "train drift=sinkhorn drift.epsilon=-0.1",
        "drift.epsilon must be from 1e-09 to 1e+09, got -0.1: give a squared length",
    ),
    (
        "train drift=sinkhorn drift.epsilon=nan",
        "drift.epsilon must be from 1e-09 to 1e+09, got nan: give a squared length",
    ),
    (
        "train drift=sinkhorn drift.tol=0",
        "drift.tol must be a finite number above 0, got 0.0: give the L1 marginal error",
    ),
    ("train drift=sinkhorn drift.max_iter=0", "drift.max_iter must be at least 1, got 0: give the most iterations"),
    ("train drift=sinkhorn drift.self_term=exclude", "drift.self_term must be include with drift=sinkhorn"),
    ("train drift=sinkhorn gradient_paths=both", "drift=sinkhorn has no derivative here"),
    ("train drift=sinkhorn schedule=linear", "which drift=sinkhorn does not use"),
    ("train drift=from_discrepancy drift.discrepancy=mdm", 'got "mdm". Did you mean "mmd"?'),
    (
        "train drift=from_discrepancy drift.discrepancy={name:sliced_wasserstein,projections:0}",
        "drift.discrepancy.projections must be at least 1, got 0",
    ),
    (
        "train drift=from_discrepancy drift.discrepancy={name:sliced_wasserstein,projektions:9}",
        'no setting "drift.discrepancy.projektions". Did you mean "projections"?',
    ),
    (
        "train drift=from_discrepancy drift.discrepancy={name:sliced_wasserstein,projections:many}",
        'drift.discrepancy.projections must be of type integer, got "many"',
    ),
    ("train drift=from_discrepancy drift.discrepancy=energy schedule=linear", "drift=from_discrepancy does not use"),
    ("train drift=from_discrepancy drift.discrepancy=smoothed_kl", "the kernel is Laplace: choose kernel=gaussian"),
    ("train drift=kernel_score gradient_paths=query", "drift=kernel_score has no derivative here"),
    ("train drift=noised_query drift.draws=0", "drift.draws must be at least 1, got 0"),
    ("train drift=lookahead drift.weights=[]", "drift.weights must name at least one value"),
    ("train drift=lookahead drift.base=sinkhorn", "drift.base must be one of mean_shift"),
    ("train drift=sharp kernel=rational_quadratic kernel.alpha=0.5", "drift=sharp needs kernel.alpha above 1"),
    ("bench what=sinkhorn epsilon=0", "epsilon must be from 1e-09 to 1e+09, got 0.0"),
    ("train generator=particles batch_size=4096", "at most generator.count, the number of particles"),
    ("train resume=nowhere", "There is no folder nowhere"),
    ("train resume=.", ". is not a run folder: it has no config.yaml"),
    ("train hydra.run.dir=${foo}", "refers to ${foo}, and there is no such setting"),
    ("train hydra.run.dir=/dev/null/x", "The output folder cannot be written"),
    ("sample", "run has no value yet"),
    ("table", "folder has no value yet"),
    ("completion tcsh", "one of bash, zsh, fish"),
]


@pytest.mark.parametrize(("words", "told"), REFUSALS, ids=[words for words, _ in REFUSALS])
def test_a_bad_request_is_refused_in_one_line(words: str, told: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.err.startswith("drift: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not list(tmp_path.iterdir())  # no run folder, no file


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


def test_a_sweep_of_many_jobs_is_checked_within_seconds(tmp_path: Path, monkeypatch, capsys) -> None:
    """A hundred take a second or two on a quiet core; composed one by one they take four times as long."""
    monkeypatch.chdir(tmp_path)
    composed: list[list[str]] = []
    compose_one = hydra.compose
    monkeypatch.setattr(
        hydra, "compose", lambda name, words, **how: composed.append(words) or compose_one(name, words, **how)
    )
    seeds = ",".join(map(str, range(99)))
    assert main(["train", "-m", f"seed={seeds},x", "kernel=laplace"]) == 2
    assert "this one is seed=x." in capsys.readouterr().err
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
        "sample run=nowhere",
    ],
)
def test_refusals_come_before_torch(words: str, tmp_path: Path) -> None:
    answer = without_torch(*words.split(), cwd=tmp_path)
    if words.startswith("sample"):  # a missing folder is found by the command itself
        assert "There is no folder nowhere" in answer.stderr
        return
    assert answer.returncode == 2
    assert "torch was imported" not in answer.stderr


def test_cuda_without_a_gpu_is_refused(tmp_path: Path, monkeypatch, capsys) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["train", "device=cuda"]) == 2
    assert "needs a CUDA GPU" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.*"))


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


def test_the_folder_of_another_command_is_not_resumed(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("train", "spectral"):
        folder = tmp_path / command
        folder.mkdir()
        (folder / "config.yaml").write_text("seed: 0\n")
        (folder / "provenance.json").write_text(json.dumps({"command": f"drift {command} 'a b=1'"}))
    assert main(["stop-grad-study", "resume=train"]) == 2
    told = "which `drift train` wrote: `drift train resume=train` resumes it."
    assert told in (error := capsys.readouterr().err)
    assert error.count("\n") == 1
    assert main(["train", "resume=spectral"]) == 2
    assert (
        "which `drift spectral` wrote: `drift spectral` takes no resume=, so start a new run."
        in capsys.readouterr().err
    )
    (tmp_path / "train" / "provenance.json").unlink()  # nothing says whose it is: the settings do
    assert main(["stop-grad-study", "resume=train"]) == 2
    assert "cannot resume train because of its config.yaml: There is no setting" in capsys.readouterr().err


def test_help_says_what_a_chosen_preset_is_and_refuses_one_that_is_none(capsys) -> None:
    assert main(["train", "experiment=deng_particles", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "experiment=deng_particles: Particles drifting toward a bimodal target" in shown
    assert "@package" not in shown
    assert main(["train", "--help", "experiment=deng_toys"]) == 2
    assert 'There is no experiment "deng_toys". Did you mean "deng_toy"?' in capsys.readouterr().err


def test_help_explains_the_options_that_are_chosen(capsys) -> None:
    assert main(["train", "kernel=rational_quadratic", "drift=multi_temperature", "--help"]) == 0
    said = capsys.readouterr().out
    assert "kernel.alpha=2.0" in said
    assert "exponent: the smaller, the heavier the tail" in said
    assert re.search(r"drift.normalize=none +rms: .* \(none \| rms\)", said)
    assert main(["train", "--help"]) == 0
    assert "kernel.alpha" not in capsys.readouterr().out


def test_a_folder_of_own_configurations_that_is_not_there_is_named(refusal) -> None:
    told = refusal("train", "kernel=sech", "--config-dir", "myconf")
    assert told.startswith('--config-dir must be a folder that exists, got "myconf": it is looked for from ')


def test_a_misspelt_launcher_is_told_what_there_is(refusal) -> None:
    told = refusal("train", "-m", "seed=0,1", "hydra/launcher=jobliib")
    assert "Did you mean" in told
    assert "joblib, ray, submitit" in told
