"""Finding, reading and changing configs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from umop.config.check import require_start
from umop.config.files import config_names
from umop.config.load import load_config
from umop.config.overrides import override
from umop.system.errors import UserError
from umop.training.schedule import ScheduleOptions, fit


def test_demo_is_listed_and_reads() -> None:
    assert "demo" in config_names()
    config = load_config("demo")
    assert config.model.bbox_head.loss_cls.type == "ProgressiveFocalLoss"
    assert config.model.bbox_head.loss_cls.use_sigmoid is True


def test_plugins_are_named_with_their_folder() -> None:
    assert "plugin/gfl_umop" in config_names()
    assert load_config("plugin/gfl_umop").model.type == "GFL"


def test_unknown_name_is_answered_with_a_suggestion() -> None:
    with pytest.raises(UserError, match=r"no config 'demp'. Did you mean 'demo'\?"):
        load_config("demp")


def test_a_folder_of_data_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"umop train small --data {tmp_path}"):
        load_config(str(tmp_path))


def test_a_file_of_the_users_own(tmp_path: Path) -> None:
    mine = write(tmp_path, "channels_last = True")
    assert load_config(mine).channels_last is True
    with pytest.raises(UserError, match="cannot be read as a config: invalid syntax"):
        load_config(write(tmp_path, "channels_last = = True"))
    with pytest.raises(
        UserError, match=r"mine\.py cannot be read as a config: NameError: name 'no'"
    ):
        load_config(write(tmp_path, "channels_last = no"))


def write(folder: Path, text: str) -> str:
    """Writes mine.py, and returns its path."""
    path = folder / "mine.py"
    path.write_text(f"{text}\n")
    return str(path)


@pytest.mark.parametrize(
    "base", ['"demo"', '["demo"]', '"demo.py"', '["_base_/detector", "_base_/runtime.py"]']
)
def test_a_config_inherits_by_name_from_anywhere(tmp_path: Path, base: str) -> None:
    mine = write(tmp_path, f"_base_ = {base}\nrandomness = dict(seed=7)")
    config = load_config(mine)
    assert config.randomness.seed == 7
    assert config.model.bbox_head.type == "ATSSHead"


def test_modules_of_the_users_own_are_imported_beside_ours(umop: Umop, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("_base_ = 'small'\ncustom_imports = dict(imports=['colorsys'])\n")
    code, out, err = umop("config", str(mine))
    assert code == 0, err
    printed = tmp_path / "printed.py"
    printed.write_text(out)
    assert load_config(str(printed)).custom_imports == load_config(str(mine)).custom_imports
    *ours, theirs = load_config(str(mine)).custom_imports.imports
    assert ours == load_config("small").custom_imports.imports
    assert theirs == "colorsys"


@pytest.mark.parametrize(
    ("value", "said"),
    [("{'imports': ['no_such_module']}", "ImportError: .*no_such_module"), ("5", "AttributeError")],
)
def test_modules_that_the_command_line_names_are_imported(value: str, said: str) -> None:
    with pytest.raises(UserError, match=f"custom_imports: {said}"):
        load_config("small", [f"custom_imports={value}"])


def test_a_checkpoint_to_start_from_must_be_there() -> None:
    config = load_config("small", ["load_from=nowhere.pth"])
    with pytest.raises(UserError, match=r"load_from is 'nowhere.pth', and there is no such file"):
        require_start(config)


def test_a_checkpoint_to_start_from_may_be_in_the_users_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "w.pth").touch()
    require_start(load_config("small", ["load_from=~/w.pth"]))


def test_a_config_inherits_from_one_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "house.py").write_text('_base_ = "demo"\nrandomness = dict(seed=3)\n')
    for base in ("house", "house.py", str(tmp_path / "house.py")):
        mine = write(tmp_path, f"_base_ = {base!r}\nneeds_gpu = _base_.randomness.seed == 3")
        config = load_config(mine)
        assert (config.randomness.seed, config.needs_gpu) == (3, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('_base_ = "dem"', "no config 'dem' to inherit from. Did you mean 'demo'?"),
        ('_base_ = "mine"', "mine.py inherits from itself"),
        ("_base_ = 5", "_base_ must be the name of a config"),
        (
            '_base_ = "demo"\noptim_wraper = dict()',
            "no setting 'optim_wraper', and nothing uses it",
        ),
        ('_base_ = "demo"\noptim_wraper = dict()', "Did you mean 'optim_wrapper'?"),
        (
            '_base_ = "demo"\niterations = 3 * 3',
            "'iterations' is a variable of a file that this one inherits from: give it a plain",
        ),
        (
            '_base_ = "demo"\nmodel = dict(neck=dict(out_chanels=8))',
            "unknown key of FPN: 'model.neck",
        ),
        ('_base_ = "demo"\nmodel = dict(neck=dict(out_chanels=8))', "Did you mean 'out_channels'?"),
        (
            '_base_ = "demo"\ntrain_pipeline = [dict(type="CachedMosaic")]\n'
            "train_dataloader = dict(dataset=dict(pipeline=train_pipeline))",
            "pipeline.0.type is CachedMosaic, which mixes with images of earlier samples",
        ),
        ('_base_ = "demo"\nmodel = dict(type="ATS")', "unknown type: model.type is 'ATS'"),
        ('_base_ = "demo"\nmodel = dict(type=3)', "unknown type: model.type is 3"),
        ('_base_ = "demo"\nrandomness = dict(sed=1)', "unknown key: 'randomness.sed'."),
        ('_base_ = "demo"\ncustom_hooks = [dict(type="ProgressHok")]', "mean 'ProgressHook'?"),
        (
            '_base_ = "demo"\ndefault_hooks = dict(chekpoint=dict(interval=5))',
            "'default_hooks.chekpoint'. Did you mean 'checkpoint'?",
        ),
        (
            '_base_ = "demo"\ntrain_dataloader = dict(batch_size="abc")',
            "train_dataloader.batch_size is 'abc'; it must be a whole number from 1 to 1000000000",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        load_config(write(tmp_path, text))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("optim_wraper.optimizer.lr=1", "Did you mean 'optim_wrapper'?"),
        ("optim_wrapper.optimizer.lrr=1", "Did you mean 'optim_wrapper.optimizer.lr'?"),
        ("model.test_cfg.score_thrr=0.1", "Did you mean 'model.test_cfg.score_thr'?"),
        (
            "model.backbone.init_cfg=None",
            "has: frozen_depthwise, frozen_stages, name, out_indices, pretrained, type.",
        ),
        (
            "auto_schedule={'base_iters': 240, 'epochs': 6, 'min_iters': 300, 'max_iters': 100}",
            "auto_schedule.min_iters is 300, more than max_iters, 100: set both",
        ),
        ("auto_size.max_size=320", "auto_size.base_size is 416, more than max_size, 320: set both"),
        ("auto_schedule={'epochs': 6}", "auto_schedule lacks base_iters, max_iters, min_iters"),
        ("iteration=5", "nothing called 'iteration' to set. Did you mean 'iterations'?"),
        ("train_pipeline.2.prob=1", "Set train_dataloader.dataset.pipeline.2.prob instead."),
        ("iterations=abc", "--set iterations=abc: this must be a number, such as 240."),
        ("iterations=None", "--set iterations=None: this must be a number, such as 240."),
        ("optim_wrapper.optimizer.lr=abc", "this must be a number, such as 0.001."),
        ("train_dataloader.batch_size=None", "this must be a number, such as 6."),
        ("model.backbone.pretrained=1", "this must be True or False, such as True."),
        ("model=3", "this must be a section, such as {'type': 'ATSS'"),
        ('model.neck={"out_chanels": 3}', "Did you mean 'out_channels'?"),
        ("model.backbone.name.x=3", "has no parts"),
        ("model.bbox_head.type=ATSSHed", "Did you mean 'ATSSHead'?"),
        ("train_dataloader.batch_size=0", "must be a whole number from 1 to 1000000000"),
        ("train_dataloader.batch_size=2.5", "must be a whole number from 1 to 1000000000"),
        ("train_dataloader.num_workers=0", "set train_dataloader.persistent_workers=False"),
        ("randomness.seed=-1", "must be a whole number from 0 to 4294967295"),
        ("train_cfg.max_iters=0", "must be a whole number from 1 to 1000000000"),
        ("optim_wrapper.optimizer.lr=0", "must be a number above 0"),
        ("model.test_cfg.score_thr=2", "score_thr is 2.0; it must be a number from 0 to 1"),
        ("custom_hooks.0.interval=0", "custom_hooks.0.interval is 0; it must be a whole number"),
        (
            "model.neck.num_outs=4",
            "strides has 5: each pyramid level must have one",
        ),
        ("iterations=2", "param_scheduler.1 begins at 2 and ends at 2; it must end later"),
        ("train_pipeline=[{'type': 'Resize', 'scale': 640}]", "such as (640, 640)"),
        ("train_dataloader.dataset.pipeline.4.crop_size=(320, 0)", "must be two whole numbers"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(assignment: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        load_config("demo", [assignment])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_variable_of_the_file_can_be_set(tmp_path: Path) -> None:
    for name in ("demo", write(tmp_path, '_base_ = "demo"')):
        config = load_config(name, ["iterations=5", "data_root=2024"])
        assert (config.train_cfg.max_iters, config.train_cfg.val_interval) == (5, 5)
        assert (config.param_scheduler[1].begin, config.param_scheduler[1].end) == (2, 5)
        assert config.train_dataloader.dataset.data_root == "2024"
        assert config.val_evaluator.ann_file == "2024/val.json"
        assert "iterations" not in config


def test_a_config_gives_variables_that_it_inherits_other_values(tmp_path: Path) -> None:
    write(tmp_path, '_base_ = "small"\nsize = (640, 480)\niterations = 50')
    (tmp_path / "mine.py").rename(tmp_path / "base.py")
    mine = write(tmp_path, '_base_ = "base"\niterations = 70\nrandomness = dict(seed=3)')
    for assignments, length in (([], 70), (["iterations=9"], 9)):
        config = load_config(mine, assignments)
        assert config.train_cfg.max_iters == config.param_scheduler[1].end == length
        fit(config, ScheduleOptions(), 9000, 1)
        assert config.train_cfg.max_iters == length, "whatever the data"
        assert config.test_dataloader.dataset.pipeline[1].scale == (640, 480)
        assert config.randomness.seed == 3


@pytest.mark.parametrize(
    "assignment",
    [
        "model.bbox_head.loss_cls.condition=nll_of_mean",
        "optim_wrapper.accumulative_counts=2",
        "train_dataloader.pin_memory=True",
        "train_dataloader.dataset.indices=10",
        "model.neck.init_cfg=None",
        "train_dataloader.dataset.pipeline.5.prob=0.5",
        "custom_hooks=[]",
    ],
)
def test_what_a_type_takes_can_be_set_where_the_file_has_it_not(assignment: str) -> None:
    name, _, text = assignment.partition("=")
    value = load_config("demo", [assignment])
    for key in name.split("."):
        value = value[int(key)] if key.isdigit() else value[key]
    assert str(value) == text


@pytest.mark.parametrize("name", config_names())
def test_every_config_passes_its_check(name: str) -> None:
    assert load_config(name).model.type


def test_a_config_that_inherits_too_little_is_not_trained(umop: Umop, tmp_path: Path) -> None:
    mine = write(tmp_path, '_base_ = ["_base_/detector", "_base_/runtime.py"]')
    code, _, err = umop("train", mine)
    assert code == 2
    assert "The config has no train_dataloader, and cannot be trained" in err


def test_umop_config_prints_what_can_be_trained(umop: Umop, tmp_path: Path) -> None:
    code, out, err = umop("config", "demo", "--set", "iterations=5")
    assert code == 0, err
    printed = write(tmp_path, out)
    assert load_config(printed).to_dict() == load_config("demo", ["iterations=5"]).to_dict()


def test_umop_config_lists_all(umop: Umop) -> None:
    code, out, _ = umop("config", "--list")
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert list(lines) == config_names()
    assert lines["demo"].startswith("Tree crowns on aerial photographs")
    for arguments in ([], ["demo", "--list"], ["--list", "--set", "randomness.seed=1"]):
        code, _, err = umop("config", *arguments)
        assert code == 2
        assert "Name one config, or list all" in err


def test_a_seed_out_of_range_is_one_line(umop: Umop) -> None:
    code, _, err = umop("train", "demo", "--run", "seeded", "--seed", "-1")
    assert code == 2
    assert err.count("\n") == 1
    assert "randomness.seed is -1" in err


def test_override_reads_literals_and_text() -> None:
    config = load_config("demo")
    override(config, ["optim_wrapper.optimizer.lr=0.5", "model.backbone.name=resnet18"])
    assert config.optim_wrapper.optimizer.lr == 0.5
    assert config.model.backbone.name == "resnet18"


def test_override_of_a_value_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"nothing called 'custom_hooks\.9'"):
        override(load_config("demo"), ["custom_hooks.9.interval=2"])


@pytest.mark.parametrize("assignment", ["lr", "model.backbone.frozen_stages"])
def test_override_without_a_value_is_refused(assignment: str) -> None:
    with pytest.raises(UserError, match="name=value"):
        override(load_config("demo"), [assignment])
