"""(e) bourse's native agents: its Rust environment, called for many steps through a C interface.

bourse's wheel contains the order book and the environment but not the native agents; its source
distribution contains the Rust code of all of them. `build` unpacks it, compiles it together with
`bourse_native/src/lib.rs`, and stores the library in the user's cache. It needs `cargo` 1.74 or
newer and bourse's dependencies, from cargo's registry or from the Debian packages
`librust-{rand,rand-xoshiro,rand-distr,serde,serde-derive,serde-json,syn,quote}-dev`, which are used
if they are installed.
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
    """Return the path of the compiled library."""
    return cache_directory().parent / f"bourse-{VERSION}" / "libbourse_native.so"


def missing():
    """Return the reason why bourse cannot run, or None."""
    return None if library_path().exists() else "not built: python -m benchmarks.bourse_market"


def fetch(folder):
    """Unpack bourse's source distribution into a folder; a stub backend answers pip."""
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
    """Copy bourse's crates into ours, without their workspace, tests and benchmarks."""
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
    """Compile and store the library; raise if cargo or a crate is missing."""
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
    """Measure a new market: bourse stores every order ever sent, so an old one uses more memory."""
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
    """Return ``(messages, cpu_seconds)`` of bourse's own `RandomAgents`."""
    return measure_agents(traders, seconds, True)


def measure_same(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of native agents that follow README.md."""
    return measure_agents(traders, seconds, False)


if __name__ == "__main__":
    build()
