"""Stories as data: scenario files, what they may say, markets built from them, their runs and where these are kept."""
