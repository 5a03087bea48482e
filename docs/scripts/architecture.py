"""Draw the tree on docs/architecture.md: each folder and module, with its docstring's first line.

python docs/scripts/architecture.py
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "napari_dip"
PAGE = ROOT / "docs" / "architecture.md"
FENCE = "```"

FLOORS = (
    "cli",
    "ui",
    "batch",
    "tiling",
    "studies",
    "scheduling",
    "samples",
    "restoration",
    "files",
    "tasks",
    "engine",
    "data",
    "noise",
)
"""The folders, as the floors lie: each imports from those below it only."""


def caption(module: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(module.read_text())) or "").split("\n")[0].rstrip(".")


def lines(folder: Path, depth: int) -> Iterator[tuple[str, str]]:
    """Names, indented, and captions of what is in a folder: its modules, then its folders."""
    for module in sorted(folder.glob("*.py")):
        if module.name != "__init__.py":
            yield "  " * depth + module.name, caption(module)
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield "  " * depth + f"{inner.name}/", caption(inner / "__init__.py")
        yield from lines(inner, depth + 1)


def tree() -> str:
    """The tree as text."""
    rows = [("src/napari_dip/", "")]
    for name in FLOORS:
        rows.append((f"  {name}/", caption(SRC / name / "__init__.py")))
        rows.extend(lines(SRC / name, 2))
    rows.extend((f"  {path.name}", caption(path)) for path in sorted(SRC.glob("*.py")))
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:{width}}{text}".rstrip() for name, text in rows) + "\n"


def drawn(page: str) -> str:
    """The tree that a page has now: what its first fenced block holds."""
    return page.split(FENCE)[1].lstrip("\n")


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(text.replace(drawn(text), tree(), 1))
