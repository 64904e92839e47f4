"""The runners of steps: one package each, independent of each other, and the modules that they share."""
