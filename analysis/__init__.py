"""Floor 4: what recorded runs say: metrics, cascades, responses, figures; the command line stands on top."""
