"""A pytest plugin: `pytest --datawal-adapter "python3 adapter.py"` gives one test a case, with the case's id.

Does nothing without the option. The cases chosen (`-k`, `--deselect` and the like hold) run together when the first
of them is due, many in flight; each test then tells the outcome of its case.
"""

# Everything of the kit is imported where it is needed: a pytest run without the option pays for nothing.
# ruff: noqa: PLC0415

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from datawal_conformance.case import Case
    from datawal_conformance.verdict import CaseResult, RunRecord

_ADAPTER = "--datawal-adapter"
_JUDGED = pytest.StashKey[tuple["RunRecord", dict[str, "CaseResult"]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("datawal", "conformance of datawal implementations")
    group.addoption(_ADAPTER, metavar="CMD", help="judge the implementation behind this adapter command")
    group.addoption(
        "--datawal-profile", action="append", default=[], metavar="NAME", help="only this profile; may be repeated"
    )
    group.addoption("--datawal-timeout", type=float, default=10.0, metavar="SECONDS", help="longest silence (10)")
    group.addoption("--datawal-vectors", metavar="DIR", help="the vectors to use")


class CaseFailedError(Exception):
    """A case did not pass."""

    def __init__(self, result: "CaseResult", repeat: str) -> None:
        super().__init__(result.message)
        self.result = result
        self.repeat = repeat


class CaseItem(pytest.Item):
    """One case as a test."""

    def __init__(self, *, case: "Case", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case

    def runtest(self) -> None:
        """Look at the outcome of the case; raises CaseFailedError, or skips what the adapter does not support."""
        from datawal_conformance.report._common import repeat_command
        from datawal_conformance.verdict import Outcome

        record, results = _judged(self.session)
        result = results.get(self.case.id)
        if result is None:
            pytest.fail(f"the case did not run: {record.gave_up or 'the run ended early'}", pytrace=False)
        if result.outcome is Outcome.UNSUPPORTED:
            pytest.skip(result.message)
        if result.outcome is not Outcome.PASSED:
            raise CaseFailedError(result, repeat_command(record, self.case.id))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Tell a failed case as the runner does, without a traceback."""
        if not isinstance(excinfo.value, CaseFailedError):
            return super().repr_failure(excinfo, style)
        return "\n".join(_describe(excinfo.value))

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where pytest says the test is."""
        return self.path, None, self.case.id


def _describe(error: CaseFailedError) -> Iterator[str]:
    from datawal_conformance.terminal import harmless, stderr_excerpt
    from datawal_spec import all_clauses

    result = error.result
    yield f"{result.case_id}: {result.outcome.value}"
    for clause_id in result.clauses:
        clause = all_clauses().get(clause_id)
        yield f"  {clause_id}: {clause.text if clause else 'no such clause'}"
    yield f"  {harmless(result.message)}"
    for line in stderr_excerpt(result.stderr):
        yield f"  stderr | {harmless(line, 200)}"
    yield f"  repeat: {harmless(error.repeat)}"


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add one test a case."""
    if config.getoption(_ADAPTER) is None:
        return
    from pathlib import Path

    from datawal_conformance._resources import vectors_dir
    from datawal_conformance.case import load_cases
    from datawal_conformance.errors import UsageError

    try:
        chosen = config.getoption("--datawal-vectors")
        cases = load_cases(vectors_dir(Path(chosen) if chosen else None))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    profiles = config.getoption("--datawal-profile")
    items += [
        CaseItem.from_parent(session, name=case.id, nodeid=f"datawal::{case.id}", case=case)
        for case in cases
        if not profiles or case.profile in profiles
    ]


def _judged(session: pytest.Session) -> tuple["RunRecord", dict[str, "CaseResult"]]:
    """The run of all chosen cases, made when first asked for, and its results by case."""
    if _JUDGED not in session.stash:
        from datawal_conformance.errors import ProtocolError
        from datawal_conformance.run import RunOptions, run_cases

        config = session.config
        cases = [item.case for item in session.items if isinstance(item, CaseItem)]
        command = shlex.split(config.getoption(_ADAPTER))
        options = RunOptions(command, timeout=config.getoption("--datawal-timeout"), filtered=True)
        try:
            record = run_cases(cases, options, [], "", lambda _result: None)
        except ProtocolError as error:
            pytest.exit(f"the adapter {command} is broken: {error}\n{error.stderr}", returncode=3)
        if record.interrupted:
            raise KeyboardInterrupt
        session.stash[_JUDGED] = record, {result.case_id: result for result in record.results}
    return session.stash[_JUDGED]
