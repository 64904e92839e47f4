"""Small stateful fakes of the adapters, for tests of the code that uses them."""
