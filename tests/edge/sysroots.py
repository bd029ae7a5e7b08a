"""Trees of files as five machines have them, and what writes more of them."""

from pathlib import Path

SYSROOTS = Path(__file__).parent / "data/sysroots"
GENERIC, ORIN, PI4, PI5, VM = (SYSROOTS / n for n in ("generic", "orin", "pi4", "pi5", "vm"))


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
