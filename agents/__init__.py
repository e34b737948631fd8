"""Who trades: one file a behaviour, the trader's handle and the contract of its rule."""
