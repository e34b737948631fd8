"""The command ``perplab calibrate``: runs, result, tables, scenario and figure in one folder."""

import json
import pathlib

from perplab.analysis.calibration.calibration_checks import read_calibration
from perplab.analysis.calibration.calibration_figure import write_figure
from perplab.analysis.calibration.procedure import calibrate
from perplab.analysis.calibration.result_text import result_lines, scenario_text
from perplab.analysis.calibration.simulations import Simulations
from perplab.analysis.cli.progress import run_bar
from perplab.analysis.cli.terminal import note, say
from perplab.scenarios.runs.atomic_folders import probe_inside, real_folder
from perplab.scenarios.runs.checksums import read_verified
from perplab.scenarios.runs.json_files import json_safe
from perplab.scenarios.runs.manifest import files_below, refuse_links
from perplab.scenarios.runs.stored_objects import Anything
from perplab.scenarios.sweeps.pools import local_pool
from perplab.scenarios.sweeps.sweep_folder import write_object
from perplab.sim.atomic_files import alone, atomic_file, clear_dead
from perplab.sim.errors import Fault, ParameterError

KIND = "calibration"
FOLDER_FILE = "manifest.json"


def run_calibration(file, workers, out, as_json):
    """Calibrate a file, print its result and write its folder.

    Parameters
    ----------
    file : str
        A calibration file, or the name of one that comes with perplab.
    workers : int
        Processes.
    out : pathlib.Path or None
        Folder; ``calibrations/NAME`` by default. Finished runs in it are not run again.
    as_json : bool
        Print the JSON object instead of the tables.

    Raises
    ------
    ParameterError
        If the file or the folder is refused, or another process is using the folder.
    SweepError
        If runs failed so often that a moment has no surrogate.
    """
    calibration, target = read_calibration(file)
    folder = real_folder(out or pathlib.Path("calibrations") / calibration.name)
    probe_inside(folder)
    check_folder(folder)
    try:
        with alone(folder.with_name(f".{folder.name}.lock")):
            write_object(folder / FOLDER_FILE, {"kind": KIND, "name": calibration.name})
            result = calibrated(calibration, target, folder, lambda: local_pool(workers))
    except BlockingIOError:
        bound = "a folder in which no other calibration is running"
        raise ParameterError(Fault("--out", str(folder), bound)) from None
    text = "\n".join(result_lines(result))
    say(json.dumps(result, indent=1) if as_json else text)
    note(f"written to {folder}")


def check_folder(folder):
    """Raise ParameterError if a folder holds something other than a calibration, or links."""
    if folder.exists() and any(folder.iterdir()):
        if read_verified(folder, FOLDER_FILE, Anything)[0].get("kind") != KIND:
            bound = "a new folder, or that of a calibration: it holds something else"
            raise ParameterError(Fault("--out", str(folder), bound))
        refuse_links([path for path in files_below(folder) if path.is_symlink()], "--out")
        clear_dead(folder.rglob(".*.part"))


def calibrated(calibration, target, folder, new_pool):
    """Run a calibration in its folder; write and return its result."""
    simulate = Simulations(calibration, target.names, folder, new_pool, note, run_bar)
    found = calibrate(calibration.parameters, target, calibration.budget, simulate, note)
    head = {
        "name": calibration.name,
        "title": calibration.title,
        "scenario": calibration.scenario,
        "source": calibration.target.source,
        "budget": calibration.budget.model_dump(),
        "warmup_days": calibration.warmup_days,
        "runs": calibration.budget.runs,
        "failed_runs": simulate.failed,
    }
    result = json_safe(head | found)
    write_result(result, folder)
    return result


def write_result(result, folder):
    """Write a result as JSON, text, scenario and figure."""
    write_object(folder / "calibration.json", result, indent=1)
    texts = {"calibration.txt": "\n".join(result_lines(result)) + "\n"}
    texts["point.toml"] = scenario_text(result)
    for name, text in texts.items():
        with atomic_file(folder / name) as part:
            part.write_text(text, encoding="utf-8")
    write_figure(result, folder)
