"""Reports: stored runs, sweeps and branches as pages, tables and sentences.

What belongs here turns figures and records into text, tables, captions and files. It computes no
figure of a run (`perplab.analysis.metrics`) and draws on no axes (`perplab.analysis.figures`).
Drawing libraries are imported when a report is written, not with this package.
"""

from perplab.analysis.report.page import Report, Table, write_page
from perplab.analysis.report.rulebook_keys import differences
from perplab.analysis.report.run_report import report_of, write_report
from perplab.analysis.report.toml_text import table_lines
from perplab.analysis.studies.rulebook_text import sentences

__all__ = [
    "Report",
    "Table",
    "differences",
    "report_of",
    "sentences",
    "table_lines",
    "write_page",
    "write_report",
]
