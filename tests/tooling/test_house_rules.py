"""Style as a test: what no linter checks for us."""

import ast
import re
from collections.abc import Iterator

from tests.tooling.project_files import ROOT, texts, texts_of

LINES_MAX = 400
LONGER_FILES = {
    "schemas/commands.py": 600,  # the dictionary of what can be wanted, one short entry per command
    "schemas/events.py": 800,  # the dictionary of what can happen, one short entry per event
}

# Put together from halves, so that this file does not hold what it looks for.
_HOSTS = "pypi|.org files.python|hosted registry.npm|js repo.mav|en repo1.mav|en deb.deb|ian security.deb|ian"
_FOLDERS = "/wo|rk/ /ro|ot/ /ho|me/"
NAMES_OF_ELSEWHERE = re.compile(
    "|".join(
        [re.escape(host.replace("|", "")) for host in _HOSTS.split()]
        + [rf"(?<![\w.}}]){folder.replace('|', '')}" for folder in _FOLDERS.split()]
    )
)

SKIPS_AND_MOCKS = re.compile(
    r"\b(skip|skipif|skipIf|skipUnless|xfail|importorskip|SkipTest|mock|mocker|MagicMock)\b"
)


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    found = {name: NAMES_OF_ELSEWHERE.search(text) for name, text in texts().items()}
    assert {name: match[0] for name, match in found.items() if match} == {}


def test_files_stay_small() -> None:
    lengths = {
        name: len(text.splitlines())
        for name, text in texts_of(".py", ".sh", ".js", ".css", ".html", ".jinja").items()
    }
    assert {n: lines for n, lines in lengths.items() if lines > LONGER_FILES.get(n, LINES_MAX)} == {}


def test_nothing_is_skipped_and_nothing_of_ours_is_mocked() -> None:
    """Skips at run time fail in conftest.py; this finds the rest, and finds it sooner."""
    used = [
        f"{name}:{line} {words}"
        for name, text in texts_of(".py").items()
        if name.startswith("tests/")
        for line, words in _words_of(ast.parse(text, name))
        if SKIPS_AND_MOCKS.search(words)
    ]
    assert used == []


def test_every_lint_rule_left_out_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    lists = re.findall(r'(?ms)^(?:ignore|"tests/[^"]*") = \[\n(.*?)^\]', text)
    assert lists
    assert [line for entry in lists for line in entry.splitlines() if "#" not in line] == []


def test_every_finding_that_is_waved_through_is_named() -> None:
    """`noqa` and `type: ignore` come with their codes; and no line asks to be left out of the coverage."""
    bare = re.compile(r"#\s*(?:noqa(?!: [A-Z]+\d+)|type:\s*ignore(?!\[)|pragma:\s*no)")
    found = {name: bare.search(text) for name, text in texts_of(".py").items()}
    assert {name: match[0] for name, match in found.items() if match} == {}


def _words_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each import, dotted name and parameter, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield node.lineno, " ".join(alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names):
                yield node.lineno, " ".join([module or "", *(alias.name for alias in names)])
            case ast.Attribute():
                yield node.lineno, ast.unparse(node)
            case ast.arg(arg=name):
                yield node.lineno, name
            case _:
                pass
