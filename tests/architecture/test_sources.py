"""Rules about the text of the program."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.sources import PACKAGES, ROOT, calls, dotted, functions, python_files, short, tree

MAX_FUNCTION_LINES = 50
MAX_FILE_LINES = 500
FORBIDDEN_WORDS = {"question", "questions", "paper", "papers", "quiz", "quizzes", "student", "students"}
LIBRARY_NAMES = {"set_paper"}  # XlsxWriter's own word for the size of a sheet
FORBIDDEN_MODULES = {"utils", "util", "helpers", "helper", "common", "misc"}
READS_OF_TIME = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))$")
MARKS = {"_", "N_", "gettext", "ngettext", "lazy_gettext"}
TIME_READERS = {"kernel/clock.py", "kernel/db.py"}
WITHOUT_A_ZONE = {"qbank/interchange/xlsx_reader.py", "certification/rules/ecertificate.py"}
"""Days that somebody typed into a cell or a code."""


def test_only_the_unit_of_work_commits_and_rolls_back():
    found = [
        f"{short(file)}:{line}"
        for file in python_files()
        for name, line in calls(tree(file))
        if name.endswith((".commit", ".rollback")) and "session" in name
    ]
    assert {place.partition(":")[0] for place in found} == {"kernel/uow.py"}, found


def test_only_the_clock_reads_the_time():
    found = [
        f"{short(file)}:{line} {name}"
        for file in python_files()
        if short(file) not in TIME_READERS
        for name, line in calls(tree(file))
        if READS_OF_TIME.search(name)
    ]
    assert found == []


def test_days_are_those_of_the_official_calendar_and_not_of_utc():
    """A moment's day in UTC is yesterday's in China until eight in the morning; `kernel.clock.day_of` knows the right one."""
    found = [
        f"{short(file)}:{call.lineno}"
        for file in python_files()
        for call in ast.walk(tree(file))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "date"
        if not call.args
        and not (isinstance(call.func.value, ast.Call) and dotted(call.func.value.func).endswith(".astimezone"))
    ] + [
        f"{short(file)}:{found.lineno}"
        for file in python_files()
        for found in ast.walk(tree(file))
        if isinstance(found, ast.Attribute) and found.attr in {"year", "month", "day", "strftime"}
        if isinstance(found.value, ast.Call) and dotted(found.value.func) in {"now", "clock.now"}
    ]
    assert {place.partition(":")[0] for place in found} == WITHOUT_A_ZONE, found


def test_a_view_that_is_read_by_get_opens_no_unit_of_work():
    found = [
        f"{short(file)}:{function.lineno} {function.name}"
        for file in python_files()
        for function in functions(file)
        if any(isinstance(d, ast.Call) and dotted(d.func).endswith("bp.get") for d in function.decorator_list)
        if any(name.endswith("unit_of_work") for name, _line in calls(function))
    ]
    assert found == []


def test_no_message_is_marked_inside_an_f_string_where_its_extraction_would_miss_it():
    found = [
        f"{short(file)}:{call.lineno} {call.args[0].value}"
        for file in python_files()
        for text in ast.walk(tree(file))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and dotted(call.func) in MARKS and isinstance(call.args[0], ast.Constant)
    ]
    assert found == []


def code_lines(function) -> int:
    """Return a function's length without its docstring, which in mathematics is longer than the code."""
    whole = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    return whole - ((first.end_lineno or 0) - first.lineno + 1) if ast.get_docstring(function) else whole


def test_no_browser_test_waits_by_what_a_strict_policy_forbids():
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    found = [
        f"{short(file)}:{line}" for file in files for name, line in calls(tree(file)) if "wait_for_function" in name
    ]
    assert found == [], "tests.pages.comes_true waits without eval in the page"


def test_functions_and_files_stay_short():
    long_files = [
        f"{short(file)} {n}"
        for file in python_files()
        if (n := len(file.read_text("utf-8").splitlines())) > MAX_FILE_LINES
    ]
    long_functions = [
        f"{short(file)}:{f.lineno} {f.name} {n}"
        for file in python_files()
        for f in functions(file)
        if (n := code_lines(f)) > MAX_FUNCTION_LINES
    ]
    assert long_files == []
    assert long_functions == []


def identifiers(file) -> set[str]:
    found = set()
    for node in ast.walk(tree(file)):
        found |= {
            getattr(node, field) for field in ("id", "name", "arg", "attr") if isinstance(getattr(node, field, 0), str)
        }
    return found - LIBRARY_NAMES


def words(identifier: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def test_identifiers_use_the_words_of_the_glossary():
    found = [
        f"{short(file)} {name}"
        for file in python_files()
        for name in identifiers(file)
        if words(name) & FORBIDDEN_WORDS
    ]
    assert found == []


def test_no_module_is_a_drawer_for_odds_and_ends():
    assert [short(file) for file in python_files() if file.stem in FORBIDDEN_MODULES] == []


def test_nothing_is_left_for_later_in_comments():
    sources = [
        *python_files(),
        *(f for p in PACKAGES for s in ("html", "js", "css") for f in (ROOT / p).rglob(f"*.{s}")),
    ]
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [short(file) for file in sources if "/vendor/" not in short(file) and mark.search(file.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize("package", ["kernel", "qbank", "blueprints", "exam_delivery", "certification"])
def test_nobody_catches_everything_and_says_nothing(package):
    found = [
        f"{short(file)}:{node.lineno}"
        for file in python_files()
        if short(file).startswith(package)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or dotted(node.type) in {"Exception", "BaseException"})
        and all(isinstance(step, ast.Pass) for step in node.body)
    ]
    assert found == []
