"""The help of a command as a page of a manual: what it takes, what it does, examples, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass

import click

_JOB = "JOB: a job file in YAML, with topic, table, and the clients' settings."
_JOBS = "JOBS: one job file in YAML, or several."
_ENDS = {
    0: "done",
    2: "usage or configuration",
    3: "a person must act",
    4: "it may be over by then: run it again",
    70: "a bug of ours",
}
_INTERRUPTED = "130, 143"


@dataclass(frozen=True, slots=True)
class Page:
    """What a command's help has beside its options.

    :param examples: command line without the program, and what it does. :param found: what exit code 1 means.
    :param see: the page that tells more.
    """

    examples: tuple[tuple[str, str], ...]
    see: str
    takes: str = _JOB
    found: str = ""


PAGES: dict[str, Page] = {
    "run": Page(
        (
            ("run orders.yaml", "one run, to the end that the topic has now"),
            ("run orders.yaml --set max_messages=1000", "no more than so many messages"),
            ("run orders.yaml --json --profile", "the report, with where the time went"),
        ),
        "docs/command-line.md",
    ),
    "replay": Page(
        (
            ("replay orders.yaml --from 2026-01-01 --to 2026-01-02", "a day; without zone: UTC"),
            ("replay orders.yaml --from 2026-01-01 --to 2026-01-02 --dry-run", "what that would read and cost"),
            ("replay orders.yaml --from '{0: 100}' --to '{0: 200}'", "a hundred offsets of partition 0"),
            ("replay orders.yaml --from 2026-01-01 --to 2026-01-02 --partitions 0,3", "of two partitions only"),
        ),
        "docs/replay.md",
    ),
    "redrive": Page(
        (
            ("redrive orders.yaml --dry-run", "what would be redriven, and what of it would fail again"),
            ("redrive orders.yaml --stage validate --since 2026-01-01", "what failed there since then"),
            ("redrive orders.yaml --limit 100", "the hundred oldest ones, to begin with"),
        ),
        "docs/dead-letters.md",
    ),
    "plan": Page((("plan orders.yaml", "what the next run would do"),), "docs/cost.md"),
    "lag": Page(
        (
            ("lag orders.yaml", "each partition of one job"),
            ("lag orders.yaml payments.yaml --json", "several jobs, for a monitor"),
            ("lag orders.yaml payments.yaml --max-lag 100000 --max-age 4h", "a check that ends with 1"),
        ),
        "docs/positions.md",
        _JOBS,
        found="a job is behind by more than --max-lag or --max-age",
    ),
    "schema": Page(
        (
            ("schema orders.yaml", "the table as it would be created"),
            ("schema orders.yaml --diff", "how the one that is there differs"),
        ),
        "docs/schemas.md",
        found="--diff: they differ",
    ),
    "seek": Page(
        (
            ("seek orders.yaml --to 2026-01-31T06:00:00+00:00 --dry-run", "what would be read again or skipped"),
            ("seek orders.yaml --to 0:123,1:456", "two partitions to offsets; the others stay"),
            ("seek orders.yaml --undo shop.orders.orders.seek-1.undo.json", "take that back"),
            ("seek orders.yaml --accept-topic --to earliest", "after the topic was created again"),
        ),
        "docs/positions.md",
    ),
    "migrate-group": Page(
        (
            ("migrate-group --from-group old a.yaml b.yaml --dry-run", "old and new positions"),
            ("migrate-group --from-group old-shared orders.yaml --adopt", "the table has the old consumer's rows"),
            ("migrate-group --from-group old orders.yaml --delete-old", "and delete the old group afterwards"),
            ("migrate-group --undo old-shared.migrate-group.undo.json orders.yaml", "take that back"),
        ),
        "docs/positions.md",
        _JOBS,
    ),
    "audit": Page(
        (
            ("audit orders.yaml", "the whole table"),
            ("audit orders.yaml --from 2026-01-01 --to 2026-02-01", "its partitions of January"),
            ("audit orders.yaml --against-kafka", "and whether each key that Kafka has is there"),
            ("audit orders.yaml --against-kafka --from 2026-01-31", "that for messages of this day and later ones"),
        ),
        "docs/audit.md",
        found="the table is not clean",
    ),
    "repair": Page(
        (
            ("repair orders.yaml --dry-run", "what would be removed, and the bytes"),
            ("repair orders.yaml --backup-days 90", "remove it, and keep the backup longer"),
            ("repair orders.yaml --undo orders__repair_20260101t000000_0123abcd", "put those rows back"),
        ),
        "docs/audit.md",
        found="rows are left that the job's rule cannot tell apart",
    ),
    "doctor": Page(
        (
            ("doctor orders.yaml payments.yaml --every 1h", "two jobs, and what they share"),
            ("doctor --dags /opt/airflow/dags", "every task of a folder of DAG files"),
        ),
        "docs/doctor.md",
        "JOBS: job files in YAML; none, one, or several.",
        "an error or a warning was found",
    ),
    "demo": Page(
        (("demo", "on an embedded Kafka"), ("demo --airflow --kafka real", "as a task, on Apache Kafka")),
        "docs/demo.md",
        "",
        "a figure is not what it should be",
    ),
}


class Manual(click.Command):
    """A command whose help has arguments, examples and exit codes, from :data:`PAGES`."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What it does, and what it takes."""
        super().format_help_text(ctx, formatter)
        if takes := PAGES[str(self.name)].takes:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(takes)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, exit codes, and where there is more."""
        page = PAGES[str(self.name)]
        program = ctx.find_root().info_name
        with formatter.section("Examples"):
            for line, does in page.examples:  # not wrapped: they are copied
                formatter.write(f"{'':>{formatter.current_indent}}{program} {line}\n")
                with formatter.indentation():
                    formatter.write_text(does)
        ends = _ENDS | ({1: page.found} if page.found else {})
        with formatter.section("Exit codes"):
            lines = [(str(code), ends[code]) for code in sorted(ends)]
            formatter.write_dl([*lines, (_INTERRUPTED, "stopped by SIGINT, SIGTERM")])
        with formatter.section("See also"):
            formatter.write_text(page.see)


class Manuals(click.Group):
    """The group of them."""

    command_class = Manual
