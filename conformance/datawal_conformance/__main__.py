"""`python -m datawal_conformance` is the command line `datawal-conformance`."""

from datawal_conformance.cli import entry_point

if __name__ == "__main__":
    entry_point()
