"""Deliveries become decisions, decisions become runs, runs become comments; knows ports, never adapters."""
