"""What the page of the suite says about the scenarios, and whether it is true."""

import re

from implied import implied_needs
from runner import scenarios as files

PAGE = files.FOLDER / "README.md"
CHANGES = files.FOLDER / "CHANGELOG.md"


def rows(scenarios):
    """The table of the profiles."""
    before = []
    for profile, needs in files.PROFILES.items():
        more = ", ".join(f"`{need}`" for need in needs if need not in before) or "nothing"
        counts = [len(files.selected(scenarios, [level], needs)) for level in files.LEVELS]
        yield f"| `{profile}` | {more} | " + " | ".join(map(str, counts)) + " |"
        before = needs


def write_rows(scenarios):
    """Writes the table of the profiles anew."""
    page = PAGE.read_text()
    begin = page.index("| `minimal` |")
    end = page.index("\n\n", begin)
    PAGE.write_text(page[:begin] + "\n".join(rows(scenarios)) + page[end:])


def check_page(scenarios, variants, mutants):
    """What is not true on the page."""
    page, wrong = PAGE.read_text(), []
    wrong += [f"this row is missing: {row}" for row in rows(scenarios) if row not in page]
    wrong += [f"the file {name} is not in the table" for name in {s["file"] for s in scenarios} if f"| `{name}` |" not in page]
    known = set(files.PROFILES["all"])
    for scenario in scenarios:
        missing = implied_needs(scenario) - files.needs_of(scenario)
        if missing and files.level_of(scenario) != "reauth":
            wrong.append(f"{scenario['name']} needs {', '.join(sorted(missing))} too")
        if not files.needs_of(scenario) <= known:
            wrong.append(f"{scenario['name']} needs something that no profile has")
    wrong += [f"the need {need} is not explained" for need in files.NEEDS if f"`{need}`" not in page]
    if f"in {variants} variants" not in " ".join(page.split()):
        wrong.append(f"there are {variants} variants")
    if f"in {mutants} ways" not in page:
        wrong.append(f"there are {mutants} mutants")
    if not re.search(r"^## \d+\.\d+\.\d+$", CHANGES.read_text(), re.MULTILINE):
        wrong.append("CHANGELOG.md names no version")
    return wrong
