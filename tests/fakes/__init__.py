"""Small stateful stand-ins for the doors, for tests whose subject is not what lies behind them."""
