"""Analysis of recorded runs: estimators, metrics, figures, studies, reports, the command line.

What belongs here reads records and stored runs; nothing here changes a market. The package itself
imports only the functions that make names safe for each output; its folders hand on their public
names.
"""

from perplab.analysis.escapes import (
    console_text,
    figure_names,
    figure_text,
    file_name,
    html_text,
    latex_text,
)

__all__ = [
    "console_text",
    "figure_names",
    "figure_text",
    "file_name",
    "html_text",
    "latex_text",
]
