"""What all reports share: the headline, problems and facts of the run, and foreign text made fit to print.

Strategy: whatever an adapter, a file or a command line brought in is foreign. Each format first passes it
through `one_line` or `block`, which spell out what could steer a terminal, reorder a line or break a document,
and cut it with a note; only then does the format quote it in its own way.
"""

import re
import shlex
from collections import Counter
from dataclasses import dataclass

from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.terminal import harmless
from datawal_conformance.verdict import EARNED, CaseResult, Outcome, RunRecord
from datawal_spec import all_profiles

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
    return sum(verdict.standing in EARNED for verdict in record.verdicts)


def tested_profiles(record: RunRecord) -> list[str]:
    """The profiles that can be earned: those that have cases."""
    found = {*record.available, *(result.profile for result in record.results)}
    return [profile for profile in all_profiles() if profile in found]


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
    if code is ExitCode.CONFORMANT:
        word += reservation(record)
        tone = "warn" if record.counts[Outcome.KNOWN_DEVIATION] else tone
    return Headline(word, f"{_profiles(record)} {totals(record)}.", tone)


def reservation(record: RunRecord) -> str:
    """In what a conformant run is conformant, when that is not everything."""
    text = ""
    if record.filtered:
        number = len(record.results)
        all_cases = f" of {sum(record.available.values())}" if record.available else ""
        text += f" in the {number}{all_cases} {'case' if number == 1 and not all_cases else 'cases'} chosen"
    if known := record.counts[Outcome.KNOWN_DEVIATION]:
        text += f", apart from {known} known {'deviation' if known == 1 else 'deviations'}"
    return text


def _profiles(record: RunRecord) -> str:
    """How many profiles the run earns, or why it earns none."""
    if record.filtered:
        return "A filter left cases out, so this run earns no profile."
    if exit_code(record) is ExitCode.INTERRUPTED:
        return "The run was interrupted: this covers only what ran."
    tested = tested_profiles(record)
    sentence = f"{conformant_profiles(record)} of {len(tested)} profiles conformant"
    if without := [profile for profile in all_profiles() if profile not in tested]:
        has = "has" if len(without) == 1 else "have"
        named = ", ".join(without) if len(without) <= _FEW_PROFILES else f"{len(without)} others"
        sentence += f"; {named} {has} no cases"
    return f"{sentence}."


_FEW_PROFILES = 3


def totals(record: RunRecord) -> str:
    """Number of cases for each outcome, in words."""
    return counted(record.counts) or "0 cases"


def counted(counts: Counter[Outcome]) -> str:
    """Numbers of outcomes in words, those that did not occur left out."""
    return ", ".join(
        f"{counts[outcome]} {words(outcome)}{_PLURAL.get(outcome, '') if counts[outcome] > 1 else ''}"
        for outcome in Outcome
        if counts[outcome]
    )


_PLURAL = {Outcome.KNOWN_DEVIATION: "s", Outcome.PROTOCOL_ERROR: "s"}
"""Ends of outcomes that are nouns."""


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
