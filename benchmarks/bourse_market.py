"""(e) bourse's native agents: its Rust environment and agents, called many steps at a time through a C interface.

bourse's wheel holds the order book and the environment but none of its native agents; its source distribution holds the
Rust code of all. `build` unpacks that, compiles it together with `bourse_native/src/lib.rs`, and keeps the result in the
user's cache. It needs `cargo` 1.74 or newer and the crates that bourse names: from cargo's own registry, or from Debian's packages
`librust-{rand,rand-xoshiro,rand-distr,serde,serde-derive,serde-json,syn,quote}-dev`, which are used if they are there.
"""

import ctypes
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from benchmarks.clock import measure_steps
from perplab.sim.compiler.cache import cache_directory

VERSION = "0.4.0"
CRATE = pathlib.Path(__file__).resolve().parent / "bourse_native"
DEBIAN_CRATES = pathlib.Path("/usr/share/cargo/registry")
OFFLINE = f"""[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "{DEBIAN_CRATES}"
"""
METADATA_ONLY = f"""
import os


def prepare_metadata_for_build_wheel(directory, settings=None):
    folder = os.path.join(directory, "bourse-{VERSION}.dist-info")
    os.makedirs(folder)
    with open(os.path.join(folder, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: bourse\\nVersion: {VERSION}\\n")
    return os.path.basename(folder)
"""


def library_path():
    """Return where the compiled library is kept."""
    return cache_directory().parent / f"bourse-{VERSION}" / "libbourse_native.so"


def missing():
    """Return why bourse cannot take part, or None."""
    return None if library_path().exists() else "not built: python -m benchmarks.bourse_market"


def fetch(folder):
    """Unpack bourse's source distribution into a folder; pip asks for its metadata, which a stand-in gives."""
    (folder / "maturin.py").write_text(METADATA_ONLY)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        f"bourse=={VERSION}",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--no-build-isolation",
        "--dest",
        str(folder),
    ]
    subprocess.run(
        command, check=True, env=os.environ | {"PYTHONPATH": str(folder)}, stdout=subprocess.DEVNULL
    )
    with tarfile.open(next(folder.glob("bourse-*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"bourse-{VERSION}"


def prepare(sources, crate):
    """Put bourse's crates into ours, without their own workspace and what only their tests and benchmarks need."""
    shutil.copytree(CRATE, crate)
    shutil.copytree(sources / "crates", crate / "bourse" / "crates")
    shutil.copy(sources / "README.md", crate / "bourse" / "README.md")
    shutil.rmtree(crate / "bourse" / "crates" / "step_sim" / "benches")
    for manifest in crate.glob("bourse/crates/*/Cargo.toml"):
        manifest.write_text(re.split(r"\[dev-dependencies\]", manifest.read_text())[0])
    if (DEBIAN_CRATES / "rand-0.8.5").exists():
        (crate / ".cargo").mkdir()
        (crate / ".cargo" / "config.toml").write_text(OFFLINE)


def build():
    """Compile the library and keep it; raise if cargo or a crate is missing."""
    cargo = shutil.which("cargo") or str(pathlib.Path.home() / ".cargo" / "bin" / "cargo")
    with tempfile.TemporaryDirectory() as folder:
        crate = pathlib.Path(folder) / "crate"
        prepare(fetch(pathlib.Path(folder)), crate)
        subprocess.run([cargo, "build", "--release"], cwd=crate, check=True)
        library_path().parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(crate / "target" / "release" / "libbourse_native.so", library_path())


@functools.cache
def library():
    """Load the library and declare its functions."""
    native = ctypes.CDLL(str(library_path()))
    native.market_new.argtypes, native.market_new.restype = (
        [ctypes.c_size_t, ctypes.c_bool, ctypes.c_uint64],
        ctypes.c_void_p,
    )
    native.market_run.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
    native.market_free.argtypes = [ctypes.c_void_p]
    for count in (native.market_messages, native.market_trades):
        count.argtypes, count.restype = [ctypes.c_void_p], ctypes.c_uint64
    return native


def measure_agents(traders, seconds, stock):
    """Measure a new market, because bourse keeps every order ever sent: an old one would fill the memory."""
    native = library()
    market = native.market_new(traders, stock, 1)
    native.market_run(market, 200)
    steps = max(1, 2_000 // traders)
    result = measure_steps(
        lambda: native.market_run(market, steps), lambda: native.market_messages(market), seconds
    )
    native.market_free(market)
    return result


def measure(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of bourse's own `RandomAgents`: limit orders and cancels at uniform prices."""
    return measure_agents(traders, seconds, True)


def measure_same(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of native agents that follow README.md on bourse's environment."""
    return measure_agents(traders, seconds, False)


if __name__ == "__main__":
    build()
