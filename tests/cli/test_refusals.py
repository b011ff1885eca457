"""What the command line refuses: the rule, what was given, and the remedy, in one line."""

from __future__ import annotations

import pytest

NO_FOLDER = "resume must name a run folder, got nothing: write resume=FOLDER, or resume=null to start a new run."
NO_OPERATOR = (
    'There is no setting "operators.shrp". Did you mean "operators.sharp"? Settings of operators: '
    "mean_shift_laplace, mean_shift_gaussian, batch_normalized, multi_temperature, sharp, kernel_score, "
    "noised_query, lookahead, sinkhorn_proxy, sinkhorn_1e-2, sinkhorn_5e-2, mmd, energy, sliced_wasserstein, "
    "chi2, smoothed_kl."
)
REFUSALS = [
    ("paper parts=fig1,fig2", "parts is a list: write parts=[fig1,fig2]."),
    ("train seed=0,1", '"seed=0,1" gives several values: `drift train -m seed=0,1` runs once for each.'),
    ("tarin", 'There is no command "tarin". Did you mean "train"? `drift --help` lists the commands.'),
    (
        "train kernel=gausian",
        'There is no kernel "gausian". Did you mean "gaussian"? Available: designed, gaussian, laplace, '
        "matern32, matern52, mixture, rational_quadratic.",
    ),
    (
        "train kernal=laplace",
        'There is no setting "kernal". Did you mean "kernel"? `drift train --help` lists the settings.',
    ),
    (
        "train kernel.bandwith=1",
        'There is no setting "kernel.bandwith". Did you mean "kernel.bandwidth"? Settings of kernel: bandwidth.',
    ),
    ("train stps=3", 'There is no setting "stps". Did you mean "steps"? `drift train --help` lists the settings.'),
    (
        "train +stps=3",
        'There is no setting "stps". Did you mean "steps"? Available: dataset, kernel, drift, schedule, '
        "generator, optimizer, ema, evaluation, checkpoint, classes, guidance, distributed, batch_size, steps, "
        "seed, device, dtype, space, threads, gradient_paths, animate, objective, seeds, tracker, resume.",
    ),
    ("train lr=1", 'There is no setting "lr". Did you mean "optimizer.lr"? `drift train --help` lists the settings.'),
    (
        "train kernel.lr=1",
        'There is no setting "kernel.lr". Did you mean "optimizer.lr"? Settings of kernel: bandwidth.',
    ),
    (
        "train optimizer={rate:1}",
        'There is no setting "optimizer.rate". Settings of optimizer: lr, lr_schedule, warmup, beta1, beta2.',
    ),
    ("train optimizer=[1]", 'optimizer must be one of adam, adamw, sgd, got the list "[1]".'),
    (
        "train experiment=[none]",
        "experiment must be one of deng_particles, deng_toy, paper_checkerboard, paper_swiss_roll, got the list "
        '"[none]".',
    ),
    ("train generator.widths={a:1}", 'generator.widths must be a list, got "{a:1}": write generator.widths=[…].'),
    ("train ema.dekay=0", 'There is no setting "ema.dekay". Did you mean "ema.decay"? Settings of ema: decay.'),
    (
        "train kernel=",
        "kernel must be one of designed, gaussian, laplace, matern32, matern52, mixture, rational_quadratic, got "
        "nothing: leave it out for the default.",
    ),
    (
        "train experiment=",
        "experiment must be one of deng_particles, deng_toy, paper_checkerboard, paper_swiss_roll, got nothing: "
        "leave it out for the default.",
    ),
    ("train +kernel=laplace", "kernel is a setting already: write kernel=… without the +."),
    ("train ~nope", 'There is no setting "nope". `drift train --help` lists the settings.'),
    ("train ~seed=4", "~seed=4 removes nothing: seed is 0; write seed=… to change it."),
    ("train ~kernel=foo", "~kernel=foo removes nothing: write kernel=… to choose another option."),
    ("compare-operators ~operators.shrp", NO_OPERATOR),
    ("compare-operators operators.shrp.drift=sharp", NO_OPERATOR),
    (
        "compare-operators operators.mmd.bandwith=1",
        'There is no setting "operators.mmd.bandwith". Did you mean "operators.mmd.bandwidth"? Settings of '
        "operators.mmd: drift, kernel, bandwidth, options.",
    ),
    (
        "compare-operators experiment=fig5 operators.sinkhorn_1e-1.options.epsilo=1",
        'There is no setting "operators.sinkhorn_1e-1.options.epsilo". Did you mean '
        '"operators.sinkhorn_1e-1.options.epsilon"? Settings of operators.sinkhorn_1e-1.options: self_term, '
        "epsilon, tol, max_iter, independent_self, carry.",
    ),
    (
        "compare-operators operators.energy.kernel=laplace",
        "operators.energy.kernel is not set, so it cannot be changed: write +operators.energy.kernel=… to add it.",
    ),
    ("train --cfg", "--cfg must be one of job, hydra, all, got nothing. Write --cfg job."),
    ("train --cfg jobs", '--cfg must be one of job, hydra, all, got "jobs". Did you mean "job"? Write --cfg job.'),
    (
        "train --info nothing",
        '--info must be one of all, config, defaults, defaults-tree, plugins, searchpath, got "nothing". Write '
        "--info all.",
    ),
    ("train --package", "--package needs a value, got nothing: write --package VALUE."),
    ("train --multirun=3", '--multirun takes no value, got "3": write --multirun.'),
    ("train --resolve", "--resolve goes with --cfg: write --cfg job --resolve."),
    ("train -m seed=0,1 --cfg job", "--cfg shows the settings of one run, and -m starts several: omit one of them."),
    ("train --resume x", 'There is no flag "--resume": settings have no dashes, write resume=x.'),
    ("train --batch-size=4", 'There is no flag "--batch-size=4": settings have no dashes, write batch_size=4.'),
    ("train --animate seed=1", 'There is no flag "--animate": settings have no dashes, write animate=….'),
    ("train --lr 1", 'There is no flag "--lr": settings have no dashes, write optimizer.lr=1.'),
    (
        "train --kernel.bandwidth 1",
        'There is no flag "--kernel.bandwidth": settings have no dashes, write kernel.bandwidth=1.',
    ),
    (
        "train --experiment deng_toy",
        'There is no flag "--experiment": settings have no dashes, write experiment=deng_toy.',
    ),
    ("train --laplace", 'There is no flag "--laplace": settings have no dashes, write kernel=laplace.'),
    ("paper --standard", 'There is no flag "--standard": settings have no dashes, write size=standard.'),
    ("paper hydra.run.dir=x", "`drift paper` has no run folder, got hydra.run.dir=x: write out=FOLDER."),
    ("sample hydra.run.dir=x run=y", "`drift sample` has no run folder, got hydra.run.dir=x: write out=FILE."),
    ("train resume=", NO_FOLDER),
    ("train resume=''", NO_FOLDER),
    ("stop-grad-study resume=", NO_FOLDER),
    ("compare-operators resume=", NO_FOLDER),
    ("train steps=1e3", 'steps must be of type integer, got "1e3": write 1000.'),
    (
        "train -m steps=1e3,2e3",
        'steps must be of type integer, got "1000.0": write 1000. None of the 2 jobs was started; this one is '
        "steps=1000.0.",
    ),
    ("train steps=true", 'steps must be of type integer, got "true": give a whole number.'),
    ("train generator.widths=[1e2]", 'generator.widths[0] must be of type integer, got "100.0": write 100.'),
    ("train batch_size=99999999999", "batch_size must be at most 10000000, got 99999999999: lower it."),
    ("train steps=2000000000000", "steps must be at most 1000000000000, got 2000000000000: lower it."),
    (
        "train schedule=linear schedule.steps=2000000000000",
        "schedule.steps must be at most 1000000000000, got 2000000000000: lower it.",
    ),
    (
        "train generator=particles generator.count=99999999999",
        "generator.count must be at most 10000000, got 99999999999: lower it.",
    ),
    ("bench batch_size=99999999999", "batch_size must be at most 10000000, got 99999999999: lower it."),
    ("stop-grad-study batch_size=99999999999", "batch_size must be at most 10000000, got 99999999999: lower it."),
    (
        "stop-grad-study pairs.batch_sizes=[99999999999]",
        "each of pairs.batch_sizes must be at most 10000000, got 99999999999: lower it.",
    ),
    ("ablate-schedule batch_size=99999999999", "batch_size must be at most 10000000, got 99999999999: lower it."),
    ("ablate-schedule steps=2000000000000", "steps must be at most 1000000000000, got 2000000000000: lower it."),
    (
        "compare-operators start_steps=2000000000000",
        "start_steps must be at most 1000000000000, got 2000000000000: lower it.",
    ),
    ("help trian", 'There is no command "trian". Did you mean "train"? `drift --help` lists the commands.'),
    (
        "train -m steps=2 seed=0,x",
        'seed must be of type integer, got "x": give a whole number. None of the 2 jobs was started; this one is '
        "seed=x.",
    ),
    (
        "train hydra.mode=MULTIRUN steps=2 seed=0,x",
        'seed must be of type integer, got "x": give a whole number. None of the 2 jobs was started; this one is '
        "seed=x.",
    ),
    (
        "train -m steps=2 seed=0,1 batch_size=4,1",
        "batch_size must be at least 2, got 1. None of the 4 jobs was started; this one is seed=0 batch_size=1.",
    ),
    (
        "train -m seed=0,1 dataset.nois=1",
        'There is no setting "dataset.nois". Did you mean "dataset.noise"? Settings of dataset: noise.',
    ),
    (
        "train -m seed=0,1 resume=nowhere",
        "There is no folder nowhere: name a run folder, e.g. outputs/train/<time>-<unique>.",
    ),
    (
        "train -m kernel=gaussian,laplace kernel.bandwidth=-1",
        "kernel.bandwidth must be a finite number above 0, got -1.0: give a length (the data has about unit "
        "size), e.g. kernel.bandwidth=0.1. None of the 2 jobs was started; this one is kernel=gaussian.",
    ),
    (
        "sample run=nowhere",
        "There is no folder nowhere: name a run folder, e.g. outputs/train/<time>-<unique>.",
    ),
    (
        "train -m seed=x,0",
        'seed must be of type integer, got "x": give a whole number. None of the 2 jobs was started; this one is '
        "seed=x.",
    ),
    ("train seed=x", 'seed must be of type integer, got "x": give a whole number.'),
    ("train -m seed=x", 'seed must be of type integer, got "x": give a whole number.'),
    ("train --multrun", 'There is no flag "--multrun". Did you mean "--multirun"? `drift --help` lists them.'),
    (
        "spectral experiment=fig3",
        "experiment=fig3 is a preset of `drift stop-grad-study`, not of `drift spectral`: run `drift "
        "stop-grad-study experiment=fig3`.",
    ),
    (
        "train experiment=paper_swis_roll",
        'There is no experiment "paper_swis_roll". Did you mean "paper_swiss_roll"? Available: deng_particles, '
        "deng_toy, paper_checkerboard, paper_swiss_roll.",
    ),
    (
        "train drift.self_term=includ",
        'drift.self_term must be one of include, exclude, balanced, got "includ". Did you mean "include"?',
    ),
    (
        "train kernel.name=gaussan",
        "kernel.name must be one of designed, gaussian, laplace, matern32, matern52, mixture, "
        'rational_quadratic, got "gaussan". Did you mean "gaussian"?',
    ),
    (
        "train kernel=mixture kernel.components=[{kernel:gausian}]",
        "kernel.components[].kernel must be one of gaussian, laplace, matern32, matern52, rational_quadratic, "
        'got "gausian". Did you mean "gaussian"?',
    ),
    (
        "train kernel.bandwidth=wide",
        'kernel.bandwidth must be of type float, got "wide": give a number, or the share of the data that a '
        "point should see, from 1% to 90% (auto: 10%).",
    ),
    (
        "train kernel.bandwidth=-1",
        "kernel.bandwidth must be a finite number above 0, got -1.0: give a length (the data has about unit "
        "size), e.g. kernel.bandwidth=0.1.",
    ),
    (
        "train kernel.bandwidth=0",
        "kernel.bandwidth must be a finite number above 0, got 0.0: give a length (the data has about unit "
        "size), e.g. kernel.bandwidth=0.1.",
    ),
    ("train kernel.bandwidth=1e-200", "kernel.bandwidth must be from 1e-09 to 1e+09, got 1e-200."),
    (
        "train dataset=rings dataset.radii=[]",
        "dataset.radii must name at least one value, got an empty list: name one, or leave it out.",
    ),
    ("train dataset=pinwheel dataset.twist=nan", "dataset.twist must be a finite number, got nan: give one."),
    ("train threads=100000", "threads must be from 1 to 1024, got 100000."),
    ("train generator.widths=5", 'generator.widths must be a list, got "5": write generator.widths=[5].'),
    (
        "train kernel.bandwidth=${foo}",
        "kernel.bandwidth refers to ${foo}, and there is no such setting: name one that exists, or write a value.",
    ),
    (
        "train -m kernel=gaussian,laplace kernel.bandwith=1",
        'There is no setting "kernel.bandwith". Did you mean "kernel.bandwidth"? Settings of kernel: bandwidth.',
    ),
    (
        "train experiment=deng_particles generator.cuont=5",
        'There is no setting "generator.cuont". Did you mean "generator.count"? Settings of generator: count, init.',
    ),
    ("train +resume=nowhere", "There is no folder nowhere: name a run folder, e.g. outputs/train/<time>-<unique>."),
    ("table a b", '`drift table` takes one folder, got "b" as well.'),
    (
        "train kernel.bandwidth=nan",
        "kernel.bandwidth must be a finite number above 0, got nan: give a length (the data has about unit "
        "size), e.g. kernel.bandwidth=0.1.",
    ),
    ("train kernel.bandwidth=null", "kernel.bandwidth must have a value, got null: give one, or leave it out."),
    ("train steps=1.5", 'steps must be of type integer, got "1.5": give a whole number.'),
    ("train batch_size=1", "batch_size must be at least 2, got 1."),
    ("train seed=-1", "seed must be at least 0, got -1."),
    ("train schedule=linear schedule.floor=2", "schedule.floor must be above 0 and at most 1, got 2.0."),
    ("train ema.decay=1", "ema.decay must be at least 0 and below 1, got 1.0."),
    ("train ema=3", 'ema must be a group of settings, got "3": write ema.<setting>=….'),
    ("train device=tpu", 'device must be one of auto, cpu, cuda, mps, got "tpu". Did you mean "cpu"?'),
    ("train device=gpu", 'device must be one of auto, cpu, cuda, mps, got "gpu". Did you mean "cuda"?'),
    ("sample run=x device=gpu", 'device must be one of auto, cpu, cuda, mps, got "gpu". Did you mean "cuda"?'),
    (
        "train gradient_paths=[none,both]",
        "gradient_paths must be one word, got the list [none,both]: to run once for each, write -m "
        "gradient_paths=none,both.",
    ),
    ("train gradient_paths=[none]", "gradient_paths must be one word, got the list [none]: write gradient_paths=none."),
    (
        "train gradient_paths={a:1}",
        "gradient_paths must be one word, got a group of settings: write gradient_paths=WORD.",
    ),
    (
        "train kernel=mixture kernel.components=[{kernel:[a]}]",
        "kernel.kernel must be one word, got a list: write kernel.kernel=WORD.",
    ),
    (
        "train +drift.self_tern=include",
        'There is no setting "drift.self_tern". Did you mean "self_term"? Available: self_term.',
    ),
    ("train gradient_paths=all", 'gradient_paths must be one of none, query, samples, both, got "all".'),
    (
        "train gradient_paths=both drift=multi_temperature drift.normalize=rms",
        "gradient_paths=both differentiates |V|^2, which drift.normalize=rms makes constant: choose "
        "drift.normalize=none, or gradient_paths=none.",
    ),
    (
        "train kernel=null",
        "kernel must be one of designed, gaussian, laplace, matern32, matern52, mixture, rational_quadratic, got null: "
        "leave it out for the default.",
    ),
    (
        "train kernel=gaussian,laplace",
        '"kernel=gaussian,laplace" gives several values: `drift train -m kernel=gaussian,laplace` runs once for each.',
    ),
    (
        "train kernel=[gaussian",
        '"kernel=[gaussian" cannot be read as a setting: write key=value, and quote a value that holds one of , '
        "= { } [ ] ( ) or a space, as in 'key=\"a=b\"'.",
    ),
    ("train dataset=array", "dataset.path has no value yet: give one with dataset.path=…"),
    (
        "train dataset=gaussian_mixture dataset.weights=[1,2]",
        "dataset.weights must have one entry per mode (4), got 2: give 4, or set dataset.modes.",
    ),
    (
        "train dataset=gaussian_mixture dataset.means=[[1,2]]",
        "dataset.means must be 4 lists of 2 numbers (dataset.modes, dataset.dimension), got [[1, 2]]: give as many, "
        "or set those two.",
    ),
    (
        "train drift=multi_temperature drift.factors=[]",
        "drift.factors must name at least one value, got an empty list: name one, or leave it out.",
    ),
    (
        "train drift=sinkhorn drift.epsilon=0",
        "drift.epsilon must be from 1e-09 to 1e+09, got 0.0: give a squared length (the data has about unit "
        "size), e.g. drift.epsilon=0.05.",
    ),
    (
        "train drift=sinkhorn drift.epsilon=-0.1",
        "drift.epsilon must be from 1e-09 to 1e+09, got -0.1: give a squared length (the data has about unit "
        "size), e.g. drift.epsilon=0.05.",
    ),
    (
        "train drift=sinkhorn drift.epsilon=nan",
        "drift.epsilon must be from 1e-09 to 1e+09, got nan: give a squared length (the data has about unit "
        "size), e.g. drift.epsilon=0.05.",
    ),
    (
        "train drift=sinkhorn drift.tol=0",
        "drift.tol must be a finite number above 0, got 0.0: give the L1 marginal error at which the iterations "
        "of a plan end, e.g. drift.tol=0.01.",
    ),
    (
        "train drift=sinkhorn drift.max_iter=0",
        "drift.max_iter must be at least 1, got 0: give the most iterations that a plan may take, e.g. "
        "drift.max_iter=50.",
    ),
    (
        "train drift=sinkhorn drift.self_term=exclude",
        'drift.self_term must be include with drift=sinkhorn, got "exclude": the plan of the samples with '
        "themselves contains every pair. Leave it out.",
    ),
    (
        "train drift=sinkhorn gradient_paths=both",
        "gradient_paths=both differentiates the drift, and drift=sinkhorn has no derivative here: choose "
        "gradient_paths=none, or another drift.",
    ),
    (
        "train drift=sinkhorn schedule=linear",
        "schedule=linear anneals the kernel's bandwidth, which drift=sinkhorn does not use: choose "
        "schedule=constant, or another drift.",
    ),
    (
        "train drift=from_discrepancy drift.discrepancy=mdm",
        "drift.discrepancy must be one of chi2, energy, mmd, sinkhorn, sliced_wasserstein, smoothed_kl, got "
        '"mdm". Did you mean "mmd"?',
    ),
    (
        "train drift=from_discrepancy drift.discrepancy={name:sliced_wasserstein,projections:0}",
        "drift.discrepancy.projections must be at least 1, got 0.",
    ),
    (
        "train drift=from_discrepancy drift.discrepancy={name:sliced_wasserstein,projektions:9}",
        'There is no setting "drift.discrepancy.projektions". Did you mean "projections"? Available: projections.',
    ),
    (
        "train drift=from_discrepancy drift.discrepancy={name:sliced_wasserstein,projections:many}",
        'drift.discrepancy.projections must be of type integer, got "many": give a whole number.',
    ),
    (
        "train drift=from_discrepancy drift.discrepancy=energy schedule=linear",
        "schedule=linear anneals the kernel's bandwidth, which drift=from_discrepancy does not use: choose "
        "schedule=constant, or another drift.",
    ),
    (
        "train drift=from_discrepancy drift.discrepancy=smoothed_kl",
        "The noise of drift.discrepancy=smoothed_kl is Gaussian, with the kernel's bandwidth as its standard "
        "deviation, but the kernel is Laplace: choose kernel=gaussian.",
    ),
    (
        "train drift=kernel_score gradient_paths=query",
        "gradient_paths=query differentiates the drift, and drift=kernel_score has no derivative here: choose "
        "gradient_paths=none, or another drift.",
    ),
    ("train drift=noised_query drift.draws=0", "drift.draws must be at least 1, got 0."),
    (
        "train drift=lookahead drift.weights=[]",
        "drift.weights must name at least one value, got an empty list: name one, or leave it out.",
    ),
    (
        "train drift=lookahead drift.base=sinkhorn",
        'drift.base must be one of mean_shift, batch_normalized, sinkhorn_proxy, sharp, got "sinkhorn". Did you '
        'mean "sinkhorn_proxy"?',
    ),
    (
        "train drift=sharp kernel=rational_quadratic kernel.alpha=0.5",
        "drift=sharp needs kernel.alpha above 1, where the companion of a rational quadratic is finite, got 0.5: "
        "raise it, or choose another kernel.",
    ),
    (
        "bench what=sinkhorn epsilon=0",
        "epsilon must be from 1e-09 to 1e+09, got 0.0: give a squared length (the data has about unit size), "
        "e.g. epsilon=0.05.",
    ),
    (
        "train generator=particles batch_size=4096",
        "batch_size must be at most generator.count, the number of particles, got 4096 above 2048: lower "
        "batch_size or raise generator.count.",
    ),
    ("train resume=nowhere", "There is no folder nowhere: name a run folder, e.g. outputs/train/<time>-<unique>."),
    ("train resume=.", ". is not a run folder: it has no config.yaml. Name one that has."),
    (
        "train hydra.run.dir=${foo}",
        "hydra.run.dir refers to ${foo}, and there is no such setting: name one that exists, or write a value.",
    ),
    (
        "train hydra.run.dir=/dev/null/x",
        "The output folder cannot be written: /dev/null/x: Not a directory. Choose another with hydra.run.dir=…",
    ),
    ("sample", "run has no value yet: give one with run=…"),
    ("table", "folder has no value yet: give one with folder=…"),
    (
        "completion tcsh",
        'Completion is for one of bash, zsh, fish, got "tcsh". Use it as: eval "$(drift completion bash)"',
    ),
]


@pytest.mark.parametrize(("words", "told"), REFUSALS, ids=[words for words, _ in REFUSALS])
def test_a_bad_request_is_refused_in_one_line(words: str, told: str, refusal) -> None:
    assert refusal(*words.split()) == told
