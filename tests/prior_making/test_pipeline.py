"""The prior's own pipeline: its dvc.yaml is true, and `dvc repro` makes a prior of drawings that the test makes."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image, ImageDraw

from fundiff.critic.encoder import load_critic
from fundiff.prior.pipelines import load_prior
from prior.gpu.collect import joined
from prior.making.features import PACKAGE
from prior.making.people import STYLES as AVATARS
from prior.stages.sections import NAMES
from tests.closure import code_deps
from tests.commands import ENVIRONMENT

DVC = yaml.safe_load(Path("prior/dvc.yaml").read_text(encoding="utf-8"))["stages"]
PARAMS = yaml.safe_load(Path("prior/params.yaml").read_text(encoding="utf-8"))
# What the composed scenes, grounds and hats need, and two more to be named.
CONCEPTS = (
    "man", "person", "man: beard", "person: beard", "old man", "boy", "man cook", "top hat", "woman’s hat",
    "billed cap", "crown", "graduation cap", "fox", "house", "cactus", "evergreen tree", "deciduous tree", "tent", "fire",
    "hot beverage", "sailboat", "sun", "rocket", "dog",
)  # fmt: skip
NOUNS = {
    "animals": {"a dog": None, "a fox": None},
    "plants": {"a cactus": None, "a tree": ["deciduous tree", "evergreen tree"]},
    "food": {"a cup of coffee": ["hot beverage"]},
    "vehicles": {"a rocket ship": ["rocket"], "a boat": ["sailboat"]},
    "buildings": {"a house": None, "a lighthouse": []},
    "sky": {"the sun": None},
    "things": {"a tent": None, "a top hat": None, "a crown": None, "a table": []},
    "people": {"a man": None, "an old man": None, "a boy": None},
}
CORE = """export const createAvatar = (style, options) => ({ toString: () =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="${3 + options.seed.length % 5}"/></svg>` });
"""  # fmt: skip


CODE = ("src/", "prior/making", "prior/stages", "prior/nouns.yaml")


def names_of(entry: dict, *kinds: str) -> set[str]:
    return {
        item if isinstance(item, str) else next(iter(item)) for kind in kinds for item in entry.get(kind, [])
    }


def test_every_stage_has_its_file_its_entry_and_its_section():
    files = {path.stem for path in Path("prior/stages").glob("[a-z]*.py")} - {"sections"}
    assert set(DVC) == set(NAMES) == files
    assert set(PARAMS) <= set(NAMES)


@pytest.mark.parametrize("name", DVC)
def test_code_deps_are_the_rooms_that_the_stage_reaches(name):
    listed = {dep for dep in DVC[name]["deps"] if dep.startswith(CODE) and dep != "prior/nouns.yaml"}
    needed = code_deps(Path(f"prior/stages/{name}.py"))
    assert listed == needed, f"{name} should list\n" + "\n".join(f"      - {dep}" for dep in sorted(needed))


def test_no_out_is_one_of_which_dvc_warns_at_every_experiment():
    items = [item for stage in DVC.values() for kind in ("outs", "plots") for item in stage.get(kind, [])]
    assert all(options["cache"] is False for item in items for options in item.values())


def test_data_deps_are_outs_of_a_stage():
    outs = set().union(*(names_of(stage, "outs", "metrics", "plots") for stage in DVC.values()))
    for name, stage in DVC.items():
        assert {dep for dep in stage["deps"] if not dep.startswith(CODE)} <= outs, name


def colour(index: int) -> tuple[int, int, int]:
    return (index * 97 % 256, index * 57 % 256, index * 31 % 200)


def svg_of(index: int, set_of: int) -> str:
    paint = f'fill="rgb{colour(index)}"'
    shapes = (
        f'<circle cx="8" cy="8" r="7" {paint}/>',
        f'<path d="M8 1 15 15H1Z" {paint}/>',
        f'<path d="M2 2h12v12H2Z" {paint}/>',
    )
    return shapes[(index + set_of) % 3]


def webp_of(index: int) -> bytes:
    picture = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(picture).ellipse([4, 4, 60, 60], fill=(*colour(index), 255))
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=True)
    return file.getvalue()


def pack(path: Path, members: dict[str, bytes]) -> str:
    """Write an npm package; returns its SHA-256."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def avatar_package(name: str) -> dict[str, bytes]:
    """A package of @dicebear's form: the core draws a disc, the styles are empty."""
    about = {"name": f"@dicebear/{name}", "type": "module", "main": "index.js"}
    return {"package.json": json.dumps(about).encode(), "index.js": (CORE if name == "core" else "").encode()}


def packages(folder: Path) -> list[dict]:
    """Packages of drawings, in the forms of the real ones, and their entries in the list."""
    codes = [f"1F{300 + i}" for i in range(len(CONCEPTS))]
    labels = [
        {"label": name, "hexcode": code, "emoji": chr(0x1F300 + i), "group": 1, "tags": ["thing"]}
        for i, (name, code) in enumerate(zip(CONCEPTS, codes, strict=True))
    ]
    keywords = {label["emoji"]: [f"sort of {label['label'].split(':')[0]}"] for label in labels}
    spelled = [name.replace(":", "").replace("’", "").replace(" ", "-") for name in CONCEPTS]
    sets = {
        prefix: {
            "prefix": prefix,
            "icons": {name: {"body": svg_of(i, shift)} for i, name in enumerate(spelled)},
        }
        for shift, prefix in enumerate(("noto", "noto-v1", "emojione-v1"))
    }
    contents = {
        ("names", "emojibase-data"): {
            "en/data.json": json.dumps(labels).encode(),
            "en/shortcodes/github.json": json.dumps({codes[0]: "man"}).encode(),
        },
        ("keywords", "emojilib"): {"dist/emoji-en-US.json": json.dumps(keywords).encode()},
        ("svg", "@iconify-json/noto"): {"icons.json": json.dumps(sets["noto"]).encode()},
        ("svg", "@iconify-json/noto-v1"): {"icons.json": json.dumps(sets["noto-v1"]).encode()},
        ("svg", "@iconify-json/emojione-v1"): {"icons.json": json.dumps(sets["emojione-v1"]).encode()},
        **{("people", f"@dicebear/{name}"): avatar_package(name) for name in ("core", *AVATARS)},
        ("bitmap", "@lobehub/fluent-emoji-3d"): {
            f"assets/{c.lower()}.webp": webp_of(i) for i, c in enumerate(codes)
        },
    }
    entries = []
    for (kind, name), members in contents.items():
        file = folder / f"{name.removeprefix('@').replace('/', '-')}-1.0.0.tgz"
        entry = {"kind": kind, "client": "npm", "name": name, "version": "1.0.0", "licence": "MIT"}
        entries.append(entry | {"sha256": pack(file, members)})
    return entries


TINY_LEG = {"images": 200, "batch_size": 8, "warmup_images": 8, "checkpoint_images": 100}


def tiny_params(mirror: Path) -> dict:
    params = yaml.safe_load(Path("prior/params.yaml").read_text(encoding="utf-8"))
    params["fetch_drawings"] |= {"folder": str(mirror), "packages": packages(mirror)}
    held_out = ["noto-v1", "emojione-v1"]
    params["render"] |= {"processes": 1, "people": 2}
    params["caption"] |= {"pictures": 150, "processes": 1, "held_out": held_out, "weights": {"a dog": 3}}
    params["caption"]["styles"] = {"an old man": "an oil painting of"}
    params["train_first"] |= TINY_LEG | {
        "unet": {"shuffle": 8, "block_out_channels": [32, 64], "layers_per_block": 1}
    }
    params["train_last"] |= TINY_LEG
    params["train_critic"] |= {"held_out": held_out, "composed": 50, "images": 480, "batch_size": 16}
    sizes = {"steps": 2, "scales": [1.0, 3.0], "names": 6, "styled": 6, "seeds": 2, "new_pictures": 60}
    params["evaluate_prior"] |= sizes | {"reference": ["noto-v1"], "ceiling": "emojione-v1"}
    return params


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project with the prior's own pipeline, tiny params and packages of a few drawings."""
    path, mirror = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("mirror")
    (path / "prior").mkdir()
    (path / "src").symlink_to(Path("src").resolve())
    for name in ("__init__.py", "making", "gpu", "stages", "dvc.yaml"):
        (path / "prior" / name).symlink_to(Path("prior", name).resolve())
    (path / "prior/params.yaml").write_text(yaml.safe_dump(tiny_params(mirror)), encoding="utf-8")
    (path / "prior/nouns.yaml").write_text(yaml.safe_dump(NOUNS, allow_unicode=True), encoding="utf-8")
    return path


def run(project: Path, *command: str) -> str:
    """Run a command in the project and return its output. It must succeed."""
    path = os.pathsep.join(["src", ".", os.environ.get("PYTHONPATH", "")])
    environment = ENVIRONMENT | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node draws the people")


@pytest.mark.slow
def test_a_stage_ends_in_one_line_and_an_exit_code(tmp_path):
    command, path = [sys.executable, "-m", "prior.stages.fetch_drawings"], os.pathsep.join(["src", "."])
    for folder in ("src", "prior/making", "prior/stages"):
        (tmp_path / folder).parent.mkdir(exist_ok=True)
        (tmp_path / folder).symlink_to(Path(folder).resolve())
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == ("fetch_drawings: prior/dvc.yaml: not found; run from the project's root folder\n")


def has(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


@needs_node
@pytest.mark.slow
def test_a_training_elsewhere_is_rehearsed_with_tiny_numbers(project, tmp_path):
    """Pack, train two legs as on a GPU machine, collect; the second leg begins with the weights of the first."""
    for stage in ("fetch_drawings", "render"):
        run(project, sys.executable, "-m", f"prior.stages.{stage}")
    archive, first, last = (str(tmp_path / name) for name in ("prior.zip", "first", "last"))
    assert "MiB" in run(project, sys.executable, "-m", "prior.gpu.pack", archive)
    tiny = ("--minutes", "0.2", "--batch", "8", "--pictures", "48")
    train = (sys.executable, "-m", "prior.gpu.train", archive)
    told = json.loads(run(project, *train, first, *tiny).splitlines()[-1])
    written = json.loads(Path(first, "told.json").read_text(encoding="utf-8"))
    assert 0 < told["images"] == written["images"] <= 1.1 * written["planned"] < 1e6, (
        "the length follows the speed"
    )
    assert written["rate"] < 1e-4, "the rate has fallen"
    assert Image.open(Path(first, "samples.png")).size == (8 * 64, 5 * 64)
    run(project, *train, last, *tiny, "--begin", first, "--first", "48")
    run(project, sys.executable, "-m", "prior.gpu.collect", last, str(tmp_path / "prior"))
    one, two = joined(Path(first)), joined(Path(last))
    assert one.keys() == two.keys() and any(not torch.equal(one[name], two[name]) for name in one)
    assert load_prior(str(tmp_path / "prior")).unet.config.shuffle == 8


@needs_node
@pytest.mark.slow
@pytest.mark.skipif(not has(PACKAGE), reason=f"the independent judge: pip install {PACKAGE}")
def test_dvc_repro_makes_a_prior_of_a_few_drawings_without_a_network(project):
    dvc = str(Path(sys.executable).parent / "dvc")
    run(project, dvc, "init", "--no-scm", "-q")
    run(project, dvc, "repro", "prior/dvc.yaml")
    for made in ("README.md", "CREDITS.md", "contact_sheet.png", "model_index.json"):
        assert (project / "models/prior" / made).stat().st_size > 0
    pipe = load_prior(str(project / "models/prior"))
    pipe.set_progress_bar_config(disable=True)
    images = pipe("a dog", timesteps=[990, 500, 0], guidance_scale=3.0, output_type="pt").images
    assert images.shape == (1, 3, 64, 64) and torch.isfinite(images).all()
    assert load_critic(project / "models/critic").score(images * 2 - 1, ["a dog", "a tent"]).shape == (1, 2)
    figures = json.loads((project / "prior/metrics/evaluate_prior.json").read_text(encoding="utf-8"))
    assert set(figures["guidance"]) == {"1.0", "3.0"}
    drawn, noise = (figures["baselines"]["independent"][k] for k in ("drawings_of_a_third_set", "noise"))
    assert drawn["frechet_distance"] < noise["frechet_distance"] and drawn["names"] == len(CONCEPTS)
    assert not list((project / ".checkpoints").glob("train_*")), "a finished training leaves no checkpoint"
    assert "didn't change" in run(project, dvc, "repro", "prior/dvc.yaml")
