"""Frozen values that every layer speaks in; standard library only, so that nothing can hide behind them."""
