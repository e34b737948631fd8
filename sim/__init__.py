"""The market: laws (pure kernels on numbers) below, things (venue, book, model) above."""
