"""The wheel: its files, and how it works for a user who has only the wheel."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile

import pytest

from perplab.sim.compiler.cache import HOUSE

PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("sim", "agents", "scenarios", "analysis")
PYTHON_BLOCK = re.compile(r"```python\n(.*?)```", re.S)
WRONG = """
from perplab import PerpetualMarket, Population, build, load, run

build(load("small"), seed="x")
PerpetualMarket("small")
Population(name="noise", kind="noise", number=3)
run("small").series
"""


def test_every_folder_is_packaged():
    folders = {
        ".".join(("perplab", *path.parent.relative_to(HOUSE).parts))
        for package in PACKAGES
        for path in (HOUSE / package).rglob("__init__.py")
    }
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert len(set(listed)) == len(listed)
    assert set(listed) == folders - {"perplab.analysis.face"} | {"perplab"}


def built(folder):
    """Build a wheel from a copy of the sources and return its path."""
    source = folder / "source"
    for name in (*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (HOUSE / name).is_dir() else shutil.copy2
        (source / name).parent.mkdir(exist_ok=True)
        copy(HOUSE / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No module named pip" in done.stderr or "No matching distribution" in done.stderr:
        pytest.skip("a wheel cannot be built here: pip or setuptools is missing")
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the path of a wheel."""
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def user(wheel, tmp_path_factory):
    """Return the Python of an environment with the wheel and, from this one, its dependencies."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder)
    site = next(folder.rglob("site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (site / "dependencies.pth").write_text("\n".join(others))
    scripts = "Scripts" if os.name == "nt" else "bin"
    return next((folder / scripts).glob("python*"))


def run_by(user, folder, *arguments):
    """Run Python with arguments in a folder, uncompiled, and return the finished process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"NUMBA_DISABLE_JIT": "1", "MPLBACKEND": "Agg"}
    return subprocess.run(
        [user, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_wheel_has_all_files_and_one_top_level_name(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    data = (*HOUSE.glob("sim/rulebook/venues/*"), *HOUSE.glob("scenarios/library/*"))
    expected = {f"perplab/{path.relative_to(HOUSE).as_posix()}" for path in data}
    assert expected | {"perplab/py.typed", "perplab/__main__.py"} <= set(names)
    top = {pathlib.PurePosixPath(name).parts[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"perplab"}


def test_the_command_runs_beside_folders_of_the_same_names(user, tmp_path):
    for name in (*PACKAGES, "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('a user\\'s own folder')")
    where = run_by(user, tmp_path, "-c", "import perplab.sim; print(perplab.sim.__file__)")
    assert pathlib.Path(where.stdout.strip()).is_relative_to(user.parent.parent), where.stderr
    done = run_by(user, tmp_path, "-m", "perplab", "run", "small", "--days", "0.01", "--no-figures")
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "runs").glob("small-seed0-*/manifest.json"))


def checked_by_mypy(user, folder, **sources):
    """Return what mypy says about source texts, by name; errors in untyped libraries left out."""
    pytest.importorskip("mypy", reason="mypy is not installed (pip install -e '.[test]')")
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    options = [
        "--cache-dir",
        os.devnull,
        "--python-executable",
        user,
        "--disable-error-code",
        "import-untyped",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *(f"{name}.py" for name in sources)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if ": error: " in line]
    return {name: [line for line in lines if line.startswith(f"{name}.py:")] for name in sources}


def test_mypy_accepts_the_documented_code_and_finds_wrong_arguments(user, tmp_path):
    readme, tutorial = (
        PYTHON_BLOCK.findall((HOUSE / page).read_text(encoding="utf-8"))
        for page in ("README.md", "docs/tutorial.md")
    )
    found = checked_by_mypy(
        user,
        tmp_path,
        market=readme[0],
        contrarian=readme[1],
        tutorial="\n".join(tutorial),
        wrong=WRONG,
    )
    wrong = [re.sub(r":.*\[(.*)\]", r" \1", line.partition(":")[2]) for line in found.pop("wrong")]
    assert wrong == ["4 arg-type", "5 arg-type", "6 arg-type", "7 attr-defined"]
    assert found == {"market": [], "contrarian": [], "tutorial": []}
