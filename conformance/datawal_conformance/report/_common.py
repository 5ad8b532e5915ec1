"""What all reports share: the headline, failures by clause, and foreign text made fit to print.

Strategy: whatever an adapter, a file or a command line brought in is foreign. Each format first passes it
through `one_line` or `block`, which spell out what could steer a terminal, reorder a line or break a document,
and cut it with a note; only then does the format quote it in its own way.
"""

import re
import shlex
from collections import defaultdict
from dataclasses import dataclass

from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.terminal import harmless
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome, RunRecord, Standing
from datawal_spec import all_clauses, all_profiles

LINE_LIMIT = 600
"""Characters of foreign text kept for one line; the cut is said."""

BLOCK_LINES = 20
"""Lines kept of foreign text that may have several: the last ones."""

_COMMAND_LIMIT = 4000

_MORE_UNSAFE = re.compile(
    r"[\t\n\u061c\u180e\u200b-\u200f\u2060-\u2064\ufeff\ufff9-\ufffb\ufffe\uffff"
    + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 17))
    + "]"
)
"""What `harmless` lets pass because a terminal can bear it, and a document or a reader cannot: line ends, invisible
and direction marks, and code points that are no characters, which XML forbids."""


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Foreign text on one line: every control and invisible character spelled out, cut to `limit`."""
    return _MORE_UNSAFE.sub(_spell, harmless(text, limit))


def _spell(match: re.Match[str]) -> str:
    code = f"{ord(match[0]):x}"
    return {"9": "\\t", "a": "\\n"}.get(code) or (f"\\u{code:>04}" if len(code) <= len("ffff") else f"\\U{code:>08}")


def block(text: str, lines: int = BLOCK_LINES, width: int = LINE_LIMIT) -> str:
    """Foreign text of several lines: the last ones, each made harmless; a cut is said on a line of its own."""
    every = text.rstrip("\n").split("\n") if text.strip("\n") else []
    kept = [one_line(line.rstrip("\r"), width) for line in every[-lines:]]
    if len(every) > lines:
        kept.insert(0, f"... ({len(every) - lines} lines before)")
    return "\n".join(kept)


def words(outcome: Outcome) -> str:
    """An outcome for people."""
    return outcome.value.replace("_", " ")


def command_text(record: RunRecord) -> str:
    """The adapter's command as a shell would take it."""
    return one_line(shlex.join(record.command), _COMMAND_LIMIT)


def repeat_command(record: RunRecord, case_id: str) -> str:
    """The command that runs one case again."""
    return f"datawal-conformance run --id {shlex.quote(case_id)} -- {shlex.join(record.command)}"


def repeat_line(record: RunRecord, case_id: str) -> str:
    """As `repeat_command`, fit to print."""
    return one_line(repeat_command(record, case_id), _COMMAND_LIMIT)


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in two words, a sentence, and the tone it is told in: good, warn, bad or mute."""

    word: str
    sentence: str
    tone: str


def conformant_profiles(record: RunRecord) -> int:
    """Number of profiles earned, those with known deviations included."""
    earned = {Standing.CONFORMANT, Standing.DEVIATES}
    return sum(verdict.standing in earned for verdict in record.verdicts)


_WORD = {
    ExitCode.CONFORMANT: ("conformant", "good"),
    ExitCode.NOT_CONFORMANT: ("not conformant", "bad"),
    ExitCode.ADAPTER_BROKEN: ("no verdict: the adapter is broken", "bad"),
    ExitCode.DEVIATIONS_STALE: ("deviations file stale", "warn"),
    ExitCode.NOTHING_RAN: ("no verdict: nothing ran", "mute"),
    ExitCode.INTERRUPTED: ("interrupted", "mute"),
}


def headline(record: RunRecord) -> Headline:
    """What to say first."""
    code = exit_code(record)
    word, tone = _WORD[code]
    known = record.counts[Outcome.KNOWN_DEVIATION]
    if code is ExitCode.CONFORMANT and known:
        word, tone = "conformant, apart from known deviations", "warn"
    if record.filtered:
        word = f"{word} in what was run" if code is ExitCode.CONFORMANT else word
        return Headline(word, f"{totals(record)}. A filter left cases out, so this run earns no profile.", tone)
    sentence = f"{conformant_profiles(record)} of {len(all_profiles())} profiles conformant. {totals(record)}."
    if code is ExitCode.INTERRUPTED:
        sentence += " The run was interrupted: this covers only what ran."
    return Headline(word, sentence, tone)


def totals(record: RunRecord) -> str:
    """Number of cases for each outcome, in words."""
    counts = record.counts
    return ", ".join(f"{counts[outcome]} {words(outcome)}" for outcome in Outcome if counts[outcome]) or "0 cases"


@dataclass(frozen=True, slots=True)
class ClauseGroup:
    """The failures whose first clause is this one; `level` and `text` are those of the clause."""

    clause: str
    level: str
    text: str
    results: tuple[CaseResult, ...]

    @property
    def title(self) -> str:
        """Clause, level and how many cases fail."""
        level = f" ({self.level})" if self.level else ""
        return f"{self.clause}{level}: {len(self.results)} {'case fails' if len(self.results) == 1 else 'cases fail'}"


def failures_by_clause(record: RunRecord) -> list[ClauseGroup]:
    """What counts against the implementation, grouped by clause, the clause with most failures first."""
    groups: dict[str, list[CaseResult]] = defaultdict(list)
    for result in record.results:
        if result.outcome in AGAINST:
            groups[result.clauses[0] if result.clauses else "no clause"].append(result)
    found = []
    for clause_id, results in sorted(groups.items(), key=lambda item: -len(item[1])):
        clause = all_clauses().get(clause_id)
        level, text = (clause.level.value, clause.text) if clause else ("", "")
        found.append(ClauseGroup(one_line(clause_id), level, text, tuple(results)))
    return found


def place(result: CaseResult) -> str:
    """The step in which a case failed, or the files after all steps."""
    if result.step is None:
        return "files afterwards"
    return one_line(f"step {result.step} {result.step_title}".rstrip())


def problems_of_the_run(record: RunRecord) -> list[tuple[str, str]]:
    """What is wrong with the run rather than with one case: a short name and its details, of several lines.

    Not empty whenever the exit code is neither 0 nor explained by a case that counts against the implementation.
    """
    problems = []
    for incident in record.incidents:
        details = one_line(incident.message)
        if incident.case_ids:
            details += f"\nin flight: {one_line(', '.join(incident.case_ids))}"
        if incident.stderr.strip():
            details += f"\nstderr:\n{block(incident.stderr)}"
        problems.append(("the adapter broke, and no single case explains it", details))
    if record.gave_up:
        problems.append(("the run gave up", one_line(record.gave_up)))
    if record.interrupted:
        problems.append(("the run was interrupted", "this covers only what ran"))
    if record.stale_deviations:
        problems.append(("the deviations file is stale", block("\n".join(record.stale_deviations), 100)))
    if exit_code(record) is ExitCode.NOTHING_RAN:
        problems.append(("nothing ran", "no case was run, so nothing is known"))
    return problems


def run_facts(record: RunRecord) -> list[tuple[str, str]]:
    """What the run was made with, as names and texts fit to print."""
    hello = record.hello
    return [
        ("implementation", f"{one_line(hello.implementation)} {one_line(hello.version)}"),
        ("language", one_line(hello.language)),
        ("capabilities", one_line(", ".join(sorted(hello.capabilities))) or "none"),
        ("adapter command", command_text(record)),
        ("kit version", one_line(record.kit_version)),
        ("vectors digest", one_line(record.vectors_digest)),
        ("machine", one_line(record.machine)),
        ("started", one_line(record.started)),
        ("took", f"{record.seconds:.1f} s"),
        ("exit code", f"{int(exit_code(record))} ({exit_code(record).name.lower().replace('_', ' ')})"),
    ]
