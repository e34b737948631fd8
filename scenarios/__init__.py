"""Scenarios: what is simulated, run and stored. Files are read in `files`, one scenario is run and
stored in `runs`, and many runs are made in `sweeps`; `library` holds the scenarios that come with
perplab. Nothing here computes a market (`perplab.sim`), a trader's rule (`perplab.agents`) or a
figure of a result (`perplab.analysis`).
"""
