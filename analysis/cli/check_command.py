"""The command ``perplab check``."""

from perplab.analysis.cli.terminal import note, say
from perplab.scenarios.files.kinds import imports_refused
from perplab.scenarios.runs.results import branch_folders, faults_of_folder, open_runs


def print_check(path):
    """Print the faults of a folder, or of each branch in it; return their number."""
    folders = branch_folders(path) or [path]
    with imports_refused():
        faults = [f"{folder}: {fault}" for folder in folders for fault in faults_of_folder(folder)]
    for fault in faults:
        note(f"perplab: {fault}")
    if not faults:
        say(intact_text(path, sum(len(open_runs(folder).runs) for folder in folders)))
    return len(faults)


def intact_text(path, runs):
    """Return the sentence on an intact folder.

    Examples
    --------
    >>> intact_text("runs/calm-seed0", 1)
    'runs/calm-seed0: intact. 1 run, files match their checksums, all money is accounted for'
    """
    count = f"{runs:,} run{'s' * (runs != 1)}"
    return f"{path}: intact. {count}, files match their checksums, all money is accounted for"
