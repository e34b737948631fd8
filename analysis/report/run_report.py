"""``perplab report PATH``: a page that reads like a results section, with figures and tables.

::

    report/index.html     self-contained: figures inside, nothing from the network
    report/figures/       PDF and SVG
    report/tables/        LaTeX (booktabs)
    report/scenario.toml  the resolved scenario, which can be run again

PATH is a folder of ``perplab run``, ``perplab sweep`` or ``perplab branch``.
"""

import pathlib


def write_report(path: str | pathlib.Path) -> pathlib.Path:
    """Write the report of a folder into ``PATH/report``.

    Parameters
    ----------
    path : path
        Folder of a run, a sweep or branches.

    Returns
    -------
    pathlib.Path
        The page, ``PATH/report/index.html``.

    Raises
    ------
    ParameterError
        If the folder is none of these, or a file differs from its checksum.
    """
    from perplab.analysis.report.page import write_page
    from perplab.scenarios.files.kinds import imports_refused
    from perplab.scenarios.runs.atomic_folders import probe

    folder = pathlib.Path(path)
    with imports_refused():
        made = report_of(folder)
        probe(folder / "report", "folder")
        return write_page(made, folder / "report")


def report_of(folder):
    """Return the `Report` of a folder of a run, a sweep or branches."""
    from perplab.analysis.report.branch_report import report_of_branches
    from perplab.analysis.report.sweep_report import report_of_sweep
    from perplab.scenarios.runs.results import branch_folders, open_runs, refuse_altered

    if arms := branch_folders(folder):
        return report_of_branches(folder, arms)
    opened = open_runs(folder)
    refuse_altered(opened)
    if opened.manifest.get("kind") == "sweep":
        return report_of_sweep(opened)
    return report_of_run(folder)


def report_of_run(folder):
    """Return the `Report` of a single run."""
    from perplab.analysis.report.page import Report
    from perplab.analysis.report.run_plots import run_drawings
    from perplab.analysis.report.scenario_text import notes_of, setting_of
    from perplab.analysis.report.summary_tables import read_summary, run_tables
    from perplab.scenarios.runs.results import faults_of_folder
    from perplab.scenarios.runs.store import read_run

    manifest, records = read_run(folder)
    scenario = manifest["scenario"]
    summary = read_summary(folder)
    tables, missing = run_tables(manifest, summary, records)
    return Report(
        title=f"{scenario.get('title') or scenario['name']}, seed {manifest['seed']}",
        question=scenario.get("question", ""),
        setting=f"{setting_of(scenario)} Seed {manifest['seed']}.",
        notes=notes_of(scenario),
        results=[*results_of(summary), *replay_results(summary), *warned(summary), *missing],
        tables=tables,
        figures=run_drawings(scenario, records),
        faults=faults_of_folder(folder),
        commands=f"perplab run report/scenario.toml --seed {manifest['seed']}",
        versions=manifest["versions"],
        scenario=scenario,
    )


def results_of(summary):
    """Yield the main results of a run as sentences."""
    from perplab.analysis.report.text_format import amount

    basis, funding = summary.get("basis_mean_bps"), summary.get("funding_mean_bps_8h")
    where = "at" if not basis else "below" if basis < 0 else "above"
    payer = "" if not funding else f": {'shorts' if funding < 0 else 'longs'} paid on average"
    if basis is not None:
        yield (
            f"The perpetual traded {where} spot on average: mean basis {amount(basis)} bp "
            f"(standard deviation {amount(summary.get('basis_sd_bps'))} bp)."
        )
    if funding is not None:
        yield f"Mean funding rate {amount(funding)} bp per 8 h{payer}."
    yield (
        f"{amount(summary.get('liquidations'))} accounts liquidated, "
        f"{amount(summary.get('liquidated_notional'))} USD notional; change of the insurance fund "
        f"{amount(summary.get('insurance_fund_change'))} USD; "
        f"{amount(summary.get('adl_events'))} ADL events."
    )


def warned(summary):
    """Return the warnings of a run's summary as sentences."""
    return [f"Warning: {text}." for text in summary.get("warnings", ())]


def replay_results(summary):
    """Yield a sentence that compares a replayed run with the real market, if there is one."""
    from perplab.analysis.report.text_format import amount

    if fit := summary.get("real"):
        ours, real = fit["simulated"], fit["real"]
        yield (
            f"Over the same {fit['hours']} hours: mean basis {amount(ours['basis_mean_bps'])} bp "
            f"simulated, {amount(real['basis_mean_bps'])} bp real; standard deviation "
            f"{amount(ours['basis_sd_bps'])} bp and {amount(real['basis_sd_bps'])} bp; hourly "
            f"correlation {amount(fit['basis_correlation'])}, root mean square difference "
            f"{amount(fit['basis_rmse_bps'])} bp. Mean funding rate "
            f"{amount(ours['funding_mean_bps_8h'])} bp per 8 h simulated, "
            f"{amount(real['funding_mean_bps_8h'])} bp per 8 h real."
        )
