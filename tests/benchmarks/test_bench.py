"""The bench gives both sides the same work and records the right numbers. Tiny settings."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import clones, commands, notebook, record, run
from benchmarks.commands import outs, stand_in
from benchmarks.duel import duel
from benchmarks.notebook_a import Notebook, flipped
from benchmarks.record import Outcome
from benchmarks.row import Row, Side
from benchmarks.rows import ROWS
from benchmarks.run import chosen
from benchmarks.table import cells, markdown, plain
from benchmarks.turn import Turn
from fundiff.digits.estimators import classed
from fundiff.digits.objectives import prediction
from fundiff.digits.samples import sample
from fundiff.digits.unet import UNet
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator, randn, sample_generators, seeded
from fundiff.pipeline.runtime import Runtime
from fundiff.pipeline.stage import targets
from fundiff.process.paths import Linear, VariancePreserving
from fundiff.process.predictions import EpsPrediction, VelocityPrediction
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.estimators import anagram, guided
from fundiff.sampling.loop import denoise, last
from fundiff.sampling.steps import ancestral
from fundiff.views.registry import view_named
from tests.pipelines import copy_pipelines

PROCESS = EpsPrediction(VariancePreserving.linear_betas(notebook.T, 1e-4, 0.02))
MACHINE = {
    "cpu": "a CPU", "cores": 2, "instruction_sets": ["avx2"], "accelerator": None, "torch": "2.9",
    "runtime": "cpu fp32, 2 threads",
}  # fmt: skip


@pytest.fixture(scope="module")
def unet() -> UNet:
    with seeded(0):
        return UNet(4, time=True, classes=10).eval()


def test_the_notebooks_loss_is_the_librarys(unet):
    x, labels = torch.rand(6, 1, 28, 28), torch.arange(6)
    ours = prediction(PROCESS, classes=10, drop=0.5)(unet, x, labels, generator(1, "loss"))
    g = generator(1, "loss")
    t, given = PROCESS.path.draw(6, g) + 1, (torch.rand(6, 1, generator=g) >= 0.5).float()
    theirs = notebook.noise_loss(unet, x, labels, t, torch.randn(x.shape, generator=g), given)
    assert 0 < given.sum() < 6
    torch.testing.assert_close(theirs, ours)


def test_the_notebook_trains():
    with seeded(0):
        unet = UNet(2, time=True, classes=10)
    before = [p.detach().clone() for p in unet.parameters()]
    images = torch.randint(0, 256, (130, 28, 28), dtype=torch.uint8).numpy()
    steps = list(notebook.train(unet, images, torch.zeros(130, dtype=torch.int64).numpy(), 1, "cpu"))
    assert steps == [128, 2]
    assert any(not torch.equal(a, b) for a, b in zip(before, unet.parameters(), strict=True))


@pytest.mark.slow
def test_the_notebooks_sampler_is_ours_given_the_same_noise(unet, monkeypatch):
    labels, theirs = torch.tensor([3, 8]), sample_generators(0, 2)
    with torch.no_grad():
        drawn = notebook.sample(unet, labels, 5.0, lambda *shape: randn(theirs, shape[1:]))
    frames = sample(
        classed(unet, labels, PROCESS, 5.0), PROCESS, sample_generators(0, 2), Runtime("cpu", "fp32", 1),
        notebook.T, "ancestral",
    )  # fmt: skip
    torch.testing.assert_close(drawn, last(frames), rtol=1e-3, atol=1e-3)


def test_the_notebooks_flow_sampler_is_ours_given_the_same_noise():
    with seeded(0):
        unet = UNet(4, time=True, classes=10, multiplied=True).eval()
    labels, theirs, process = torch.tensor([3, 8]), sample_generators(0, 2), VelocityPrediction(Linear(300))
    drawn = notebook.sample_flow(unet, labels, 5.0, 5, lambda *shape: randn(theirs, shape[1:]))
    frames = sample(
        classed(unet, labels, process, 5.0),
        process,
        sample_generators(0, 2),
        Runtime("cpu", "fp32", 1),
        5,
        "euler",
    )
    torch.testing.assert_close(drawn, last(frames), rtol=1e-4, atol=1e-4)


def test_what_a_clone_says_is_read(tmp_path):
    said = "A | sdedit: read a, b; wrote c; 12.3 s, 812 MB\nB | judge: read 7 files; wrote d; 40.0 s, 1034 MB\nDone in 60 s"
    assert clones.told(said) == {
        "stages": 2, "seconds": {"sdedit": 12.3, "judge": 40.0}, "peak_mb": {"sdedit": 812, "judge": 1034},
    }  # fmt: skip
    (tmp_path / "file").write_bytes(bytes(30_000_000))
    assert clones.gigabytes(tmp_path) == pytest.approx(0.03, abs=0.01)


class Small(torch.nn.Module):
    """A prior's UNet with IF's interface, whose answer depends on the prompt."""

    class config:
        sample_size = 8

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Conv2d(3, 6, 3, padding=1)

    def forward(self, x, t, encoder_hidden_states, return_dict=False):
        return (torch.tanh(self.body(x) + encoder_hidden_states.mean((1, 2)).view(-1, 1, 1, 1)),)


@pytest.fixture
def book():
    from diffusers import DDPMScheduler

    class Pipe:
        scheduler = DDPMScheduler(
            1000, beta_schedule="squaredcos_cap_v2", variance_type="learned_range",
            prediction_type="v_prediction",
        )  # fmt: skip

    with seeded(0):
        Pipe.unet = Small()
    theirs = [generator(0, "a")]
    return Notebook(Pipe, draw=lambda *shape: randn(theirs, shape[1:]))


def test_the_notebooks_part_a_is_ours_given_the_same_noise(book):
    path, timesteps = VariancePreserving(book.alpha_bars), [990, 600, 300, 30, 0]
    states = torch.randn(3, 77, 4, generator=generator(0, "words"))

    def prior(x, t, embeddings):
        with torch.no_grad():
            velocity, v = book.unet(x, t, embeddings)[0].chunk(2, 1)
        return Estimate(VelocityPrediction(path).eps(x, t, velocity), v)

    def ours(estimator):
        g = [generator(0, "a")]
        return last(denoise(randn(g, (3, 8, 8)), estimator, timesteps, ancestral(EpsPrediction(path)), g))

    one, both = (guided(prior, states[:rows], states[2], 4.0) for rows in (1, 2))
    theirs = [book.guided(states[i : i + 1], states[2:], 4.0) for i in range(2)]
    torch.testing.assert_close(
        book.denoise(book.noise(), theirs[0], timesteps), ours(one), rtol=1e-3, atol=1e-3
    )
    again = [generator(0, "a")]
    book.draw = lambda *shape: randn(again, shape[1:])
    views = [(view_named("identity"), 1.0), (view_named("flip"), 1.0)]
    drawn = book.denoise(book.noise(), flipped(*theirs), timesteps)
    torch.testing.assert_close(drawn, ours(anagram(views, both)), rtol=1e-3, atol=1e-3)


def test_the_notebooks_inpainting_keeps_what_is_known_and_walks_every_jump(book):
    image, mask, seen = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8), []
    mask[..., :4] = 1

    def estimate(x, t):
        seen.append(t)
        return torch.zeros_like(x), torch.zeros_like(x)

    filled = book.inpaint(image, mask, estimate, [900, 600, 300, 100, 0], length=2, times=2)
    assert seen == [900, 600, 900, 600, 300, 100, 300, 100]
    assert filled[..., 4:].abs().max() < 0.2


def row(unit: str = "s", **changes) -> Row:
    return Row("a_row", "Something", unit, Side("tests"), Side("tests"), "a peer", **changes)


def test_ratios_are_of_pairs_and_above_one_where_fundiff_is_faster():
    pairs = [(Turn(10.0), Turn(5.0)), (Turn(12.0), Turn(4.0)), (Turn(10.0), Turn(10.0))]
    told = record.record(row(), Outcome(pairs, {"peer": 900.4, "fundiff": 700.6}))
    assert (told["ratio"], told["low"], told["high"]) == (2.0, 1.0, 3.0)
    assert told["median"] == {"peer": 10.0, "fundiff": 5.0}
    assert told["memory_mb"] == {"peer": 900, "fundiff": 701}
    rates = record.record(row("images/s"), Outcome([(Turn(100.0), Turn(250.0))], {"peer": 1, "fundiff": 1}))
    assert rates["ratio"] == 2.5
    alone = record.record(row(), Outcome([(None, Turn(3.0, {"accuracy": 0.98764}))], {"fundiff": 1}))
    assert alone["ratio"] is None and alone["peer"] is None
    assert alone["details"] == {"fundiff": {"accuracy": 0.9876}}


def test_named_rows_replace_theirs_alone_and_machines_do_not_mix(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "machine", lambda: MACHINE)
    monkeypatch.setattr(run, "check", lambda rows: None)
    fast = Outcome([(Turn(6.0), Turn(2.0))], {"peer": 1, "fundiff": 1})
    monkeypatch.setattr(run, "duel", lambda row, turns: fast)
    run.measure(["stage_start", "stage_start_digits"], None)
    before = json.loads(Path("metrics/bench.json").read_text())
    slow = Outcome([(Turn(1.0), Turn(2.0))], {"peer": 1, "fundiff": 1})
    monkeypatch.setattr(run, "duel", lambda row, turns: slow)
    run.measure(["stage_start"], 1)
    after = json.loads(Path("metrics/bench.json").read_text())
    assert set(after) == {"machine", "stage_start", "stage_start_digits"}
    assert after["stage_start_digits"] == before["stage_start_digits"]
    assert (before["stage_start"]["ratio"], after["stage_start"]["ratio"]) == (3.0, 0.5)
    assert "stage_start_digits" in capsys.readouterr().out
    assert plain(after).splitlines()[0].startswith("a CPU, 2 cores (avx2)")
    assert len(markdown(after).splitlines()) == 4
    monkeypatch.setattr(run, "machine", lambda: MACHINE | {"cpu": "another"})
    run.measure(["stage_start"], 1)
    assert set(json.loads(Path("metrics/bench.json").read_text())) == {"machine", "stage_start"}
    assert "was of another machine: its 2 rows are replaced" in capsys.readouterr().out


def test_a_row_without_a_peer_has_its_own_figure():
    alone = record.record(row(), Outcome([(None, Turn(123.4))], {"fundiff": 50}))
    assert cells(alone) == ["", "123 s", "", "50"]


def test_an_unknown_row_is_one_line_with_the_nearest_name(monkeypatch):
    monkeypatch.setattr("sys.argv", ["benchmarks.run", "sampel_1000"])
    with pytest.raises(SystemExit) as stop:
        run.main()
    assert stop.value.code == "benchmarks: 'sampel_1000' is not a row; did you mean 'sample_1000'?"


def test_what_is_missing_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy_pipelines(tmp_path)
    with pytest.raises(
        UserError, match=r"models/judge.*run `dvc repro digits/dvc.yaml:fetch_mnist digits/dvc.yaml:judge`"
    ) as error:
        run.check(chosen(["time_to_quality"]))
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="no-such-package is not installed; `make bench` brings it"):
        run.check([row(package="no-such-package")])


def test_every_row_names_functions_that_are_there():
    import ast

    found = {
        f"{path.stem}.{node.name}": [a.arg for a in node.args.args]
        for path in Path("benchmarks").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert len({r.name for r in ROWS}) == len(ROWS)
    for r in ROWS:
        for side in filter(None, (r.ours, r.theirs)):
            assert set(side.args) == set(found[side.function])
    assert chosen([]) == ROWS and [r.name for r in chosen(["anagram"])] == ["anagram"]


@pytest.mark.slow
def test_two_processes_take_turns_and_tell_their_memory(tmp_path, monkeypatch):
    """A real duel over two trivial commands."""
    sides = Side("commands.started", {"code": "pass"}), Side("commands.started", {"code": "pass"})
    outcome = duel(Row("a_row", "", "s", *sides, peer="python"), turns=2)
    assert len(outcome.pairs) == 2 and all(t and t.value > 0 for pair in outcome.pairs for t in pair)
    assert all(5 < peak < 2000 for peak in outcome.memory.values())
    wrong = Row("a_row", "", "s", Side("commands.started", {"code": "raise SystemExit('not today')"}))
    with pytest.raises(UserError, match="not today"):
        duel(wrong, turns=1)


def test_what_no_stage_made_yet_has_a_stand_in(tmp_path):
    assert outs({"outs": ["a/b"], "plots": [{"c.png": {"cache": False}}]}) == ["a/b", "c.png"]
    for path in ("a/b", "c.png"):
        stand_in(tmp_path / path)
    assert (tmp_path / "a/b/stand_in").is_file() and (tmp_path / "c.png").is_file()


@pytest.mark.slow
def test_the_empty_graph_is_up_to_date(tmp_path):
    folder = commands.bare_graph(tmp_path)
    assert "Running stage 'inputs'" in commands.shell(folder, "dvc", "repro")
    again = commands.shell(folder, "dvc", "repro")
    assert again.count("Running stage") == 1
    assert all(
        f"Stage '{target}' didn't change" in again for target in targets().values() if target != "inputs"
    )
