"""Small stateful stand-ins for the adapters, for tests whose subject is not what lies behind them."""
