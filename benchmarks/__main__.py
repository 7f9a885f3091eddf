"""Our models' speed beside their peers', in one run.

    python -m benchmarks [NAME …] [--rounds 5] [--threads 1] [--json]

Without names, all run. `pip install -e ".[peers]"` brings the peers that the course does not need. How fast the
widgets answer is measured by `python -m benchmarks.widgets`.
"""

import argparse

from rich.console import Console
from rich.table import Table

from benchmarks.models import OURS, WORKS
from benchmarks.timing import machine, pinned_threads, tell_end


def table_of(name, found):
    """Draw a work's result; a ratio above 1 means that ours is faster."""
    table = Table(title=name)
    headings = "way", "median ms", f"{found['unit']}/s", f"time by {OURS}'s", "agrees"
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("way", "agrees") else "right")
    for way, numbers in sorted(found["ways"].items(), key=lambda item: item[1]["ratio"]):
        cells = f"{numbers['median_ms']:.1f}", f"{numbers['per_second']:,.0f}", f"{numbers['ratio']:.2f}×"
        table.add_row(way, *cells, numbers["agrees"], style="bold" if way == OURS else None)
    return table


def main(arguments=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(WORKS)} (default all)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each way (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads that PyTorch may use (default 1)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in WORKS:
            parser.error(f"there is no {name!r}; expected any of {', '.join(WORKS)}")
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads must be at least 1")
    console, found = Console(), {}
    with pinned_threads(options.threads):
        for name in options.names or WORKS:
            found[name] = WORKS[name](options.rounds)
            if not options.json:
                console.print(table_of(name, found[name]))
                behind = ", ".join(found[name]["behind"]) or "nobody"
                console.print(f"Faster than {OURS}: {behind}.", *found[name]["notes"])
    about = {"threads": options.threads, "rounds": options.rounds, **machine()}
    tell_end(console, found, about, options.json)


if __name__ == "__main__":
    main()
