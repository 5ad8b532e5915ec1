"""The commands of `datawal-conformance`, one module each.

A module has `NAME`, `HELP`, `add_arguments(parser)` and `execute(context)`.
"""
