"""The conformance kit: cases, the runner that judges implementations by them, reports."""
