"""Compare the keys that the importer reads from a folder of real banks with a second, independent reading of the same files.

The second reading shares no code with the importer: a few lines a file shape, which take the key column as it stands. It
covers the files whose layout is plain enough for that; stems are matched by their letters and digits alone.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl

from item_templates.contract import ItemContent
from item_templates.markup import plain_text
from qbank.interchange.convert import read_items

Key = frozenset[str] | bool
Reading = Iterator[tuple[str, Key]]
TRUE, FALSE = {"正确", "对", "T", "√", "true"}, {"不正确", "错误", "错", "F", "×", "false"}


def words(text: str) -> str:
    """Return the letters and digits of a stem, without number in front and key in brackets."""
    plain = re.sub(r"^\s*\d+\s*[.．、]", "", text)
    plain = re.sub(r"[（(]\s*(?:[A-H]+|[√×])?\s*[)）]", "", plain)
    return "".join(sign for sign in plain if sign.isalnum())


def key_of(text: str, options: str = "") -> Key | None:
    """Return a key as a set of letters, or as true or false where there is nothing to choose but those."""
    plain = re.sub(r"[\s（()）,，、]", "", str(text))
    if plain in TRUE | FALSE:
        return plain in TRUE
    if not re.fullmatch("[A-H]+", plain):
        return None
    judged = re.findall(r"([AB])[.、．:：]?\s*(不正确|正确|错误|对|错|√|×)(?![\u4e00-\u9fff])", options)
    if len(judged) == 2 and "C" not in options:
        return dict(judged).get(plain) in TRUE
    return frozenset(plain)


def rows_of(path: Path, stem: str, key: str, options: str = "") -> Reading:
    """Yield stems and keys of workbooks with a header row that names the columns."""
    for sheet in openpyxl.load_workbook(path, read_only=True):
        names: list[str] = []
        for row in sheet.iter_rows(values_only=True):
            cells = ["" if cell is None else str(cell).strip() for cell in row]
            bare = [cell.strip("*") for cell in cells]
            if stem in bare and (key in bare or "答案" in bare):
                names = bare
                continue
            found = dict(zip(names, cells, strict=False))
            shown = next((cell for name, cell in found.items() if options and name.startswith(options)), "")
            said = key_of(found.get(key) or found.get("答案", ""), shown)
            if found.get(stem) and said is not None:
                yield found[stem], said


def entries_of(path: Path, stem: str, key: str, options: str = "") -> Reading:
    """Yield stems and keys of JSON files: a list of objects, or one under `data`."""
    body = json.loads(path.read_text("utf-8"))
    for one in body["data"] if isinstance(body, dict) else body:
        said = key_of(str(one[key]), str(one.get(options, "")))
        if said is not None:
            yield str(one[stem]), said


def blocks_of(path: Path) -> Reading:
    """Yield stems and keys of text files with 正确答案：lines."""
    for block in re.split(r"\n\s*\n", path.read_text("utf-8-sig")):
        lines = [line for line in block.splitlines() if line.strip()]
        said = next((key_of(line.split("：", 1)[1]) for line in lines if line.startswith("正确答案：")), None)
        if said is not None:
            yield lines[0], said


def hashes_of(path: Path) -> Reading:
    """Yield stems and keys of n#stem#right$wrong… and n#stem$0."""
    for line in path.read_text("utf-8-sig").splitlines():
        parts = line.split("#")
        if len(parts) == 3:
            yield parts[1], frozenset("A")
        elif len(parts) == 2:
            stem, _, said = parts[1].rpartition("$")
            yield stem, said.strip() == "0"


WORKBOOK = ("题目内容", "题目答案", "题目选项")
CASES: tuple[tuple[str, Callable[[Path], Reading]], ...] = (
    *((f"special-work-xlsx/{name}.xlsx", lambda path: rows_of(path, *WORKBOOK)) for name in (
        "锅炉", "省级低压电工作业", "省级高处作业", "起重机械管理员", "一般企业安全管理员", "省级压力容器管理员",
        "省级叉车管理员", "省级电梯管理员",
    )),
    *((f"5g-basestation-1x-xlsx/{name}.xlsx", lambda path: rows_of(path, "试题", "答案")) for name in ("多选", "判断")),
    ("5g-basestation-1x-xlsx/单选.xlsx", lambda path: rows_of(path, "Question", "Answer")),
    ("import-template-multisheet-xlsx/试题库.xlsx", lambda path: rows_of(path, "题干", "正确答案")),
    ("special-work-json/低压电工作业.json", lambda path: entries_of(path, "title", "answer", "choices")),
    ("special-work-json/高处安装维护拆除作业.json", lambda path: entries_of(path, "title", "answer", "choices")),
    ("power-inspection-json/tiku.json", lambda path: entries_of(path, "试题正文", "试题答案", "试题选项")),
    ("hr-labour-relations-json/单选_就业创业.json", lambda path: entries_of(path, "content", "answer")),
    ("blockchain-txt/单选题.txt", blocks_of),
    ("blockchain-txt/多选题.txt", blocks_of),
    ("blockchain-txt/判断题.txt", blocks_of),
    ("electrician-lowvoltage-txt/选择.txt", hashes_of),
    ("electrician-lowvoltage-txt/判断.txt", hashes_of),
)  # fmt: skip


def read_key(content: ItemContent) -> Key | None:
    """Return the key of an imported item in the same shape."""
    if content.type == "true_false":
        return bool(content.key)
    letters = [content.key] if isinstance(content.key, str) else content.key
    return frozenset(letters) if content.type in {"single_choice", "multiple_choice"} else None


def compare(path: Path, reading: Reading) -> tuple[int, int, list[str]]:
    """Return how many keys were compared, how many items had no partner, and the stems whose keys differ."""
    second: dict[str, set[Key]] = {}
    for stem, key in reading:
        second.setdefault(words(stem), set()).add(key)
    n_compared, n_alone, different = 0, 0, []
    for one in read_items(path.read_bytes(), path.name).items:
        key = read_key(one.item.content)
        said = second.get(words(plain_text(one.item.content.stem)))
        if key is None:
            continue
        if said is None:
            n_alone += 1
            continue
        n_compared += 1
        if key not in said:
            different.append(f"{one.locator}: {one.item.content.stem[:40]} {key} ≠ {said}")
    return n_compared, n_alone, different


def main() -> int:
    """Print the table; the exit status says whether any key differs."""
    folder = Path(sys.argv[1])
    n_all, n_different = 0, 0
    for name, reader in CASES:
        compared, alone, different = compare(folder / name, reader(folder / name))
        n_all, n_different = n_all + compared, n_different + len(different)
        print(f"{name:50} compared {compared:5}  without partner {alone:4}  different {len(different):3}")
        for line in different[:5]:
            print(f"    {line}")
    print(f"all: {n_all} keys compared, {n_different} different")
    return 1 if n_different else 0


if __name__ == "__main__":
    sys.exit(main())
