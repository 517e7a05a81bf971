"""The player's pure modules under Node, and promises about its files: size, syntax, texts, contrast."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import playwright
import pytest
import segno

from exam_delivery.answering.static import PlayerFiles, served
from tests.exam_delivery.player.player_fake_api import PLAYER

NODE = Path(playwright.__file__).parent / "driver" / "node"
SCRIPTS = sorted(PLAYER.rglob("*.js"))
MESSAGE = re.compile(r'\bt\(\s*"([^"]*)"')
WORDS = re.compile(r'"([^"]*[一-鿿][^"]*)"')


def test_state_clock_and_answer_protocol_hold_under_node(tmp_path: Path) -> None:
    shutil.copytree(PLAYER, tmp_path / "player")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    shutil.copy(Path(__file__).parent / "player_core.test.mjs", tmp_path)
    done = subprocess.run(
        [NODE, "--test", "player_core.test.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"pass [1-9]\d", done.stdout), done.stdout


def test_a_browser_that_cannot_unpack_does_not_fetch_the_sealed_form_and_takes_the_packed_one_at_the_start(
    tmp_path: Path,
) -> None:
    shutil.copytree(PLAYER, tmp_path / "player")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    script = """
        import { createAhead } from "./player/form.js";
        const tried = async () => {
          const asked = [];
          const ahead = createAhead({ sealedForm: async (id) => { asked.push(id); return new ArrayBuffer(0); } });
          await ahead.fetch("a1");
          return [asked, await ahead.open("a1", "AAAA")];
        };
        const able = await tried();
        delete globalThis.DecompressionStream;
        console.log(JSON.stringify([able, await tried()]));
    """
    (tmp_path / "ahead.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run([NODE, "ahead.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [[["a1"], None], [[], None]]


def test_the_code_of_a_receipt_is_that_of_the_standard(tmp_path: Path) -> None:
    text = "考库交卷回执\n" + "0123456789abcdef" * 10 + "!"
    script = "import { qrModules } from './qr.mjs'; const rows = (text) => qrModules(text) && qrModules(text).map((row) => row.map(Number)); "
    script += "console.log(JSON.stringify([rows(process.argv[2]), rows(process.argv[2] + '!')]));"
    shutil.copy(PLAYER / "qr.js", tmp_path / "qr.mjs")
    (tmp_path / "draw.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [NODE, "draw.mjs", text], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    drawn, too_long = json.loads(done.stdout)
    standard = segno.make(text.encode(), version=9, error="m", mask=0, mode="byte", boost_error=False)
    assert drawn == [list(row) for row in standard.matrix]
    assert too_long is None


def loaded_at_once() -> set[str]:
    """Return the files that every candidate loads: the page, and what its script imports at once, not on demand."""
    found, to_read = {"index.html", "favicon.svg", "player.css", "too_old.js", "worker.js"}, ["main.js"]
    while to_read:
        name = to_read.pop()
        found.add(name)
        text = (PLAYER / name).read_text(encoding="utf-8")
        here = (PLAYER / name).parent
        linked = {
            (here / path).resolve().relative_to(PLAYER)
            for path in re.findall(r'^(?:im|ex)port .*?from "([^"]+)"', text, re.MULTILINE)
        }
        to_read += [path.as_posix() for path in linked if path.as_posix() not in found]
    return found


def test_player_is_at_most_60_kb_compressed_and_73_with_everything_it_loads_on_demand() -> None:
    sizes = {name: len(packed) for name, (_mime, _tag, _plain, packed) in PlayerFiles().files.items()}
    own = {name: n for name, n in sizes.items() if not name.startswith("practice/")}
    at_once = sum(own[name] for name in loaded_at_once())
    assert at_once <= 60 * 1024, f"{at_once} bytes"
    assert sum(own.values()) <= 73 * 1024, f"{sum(own.values())} bytes"
    assert set(own) - loaded_at_once() == {"messages_en.js", "arithmetic.js", "views/tools.js", "types.js", "qr.js"}


def test_the_page_names_its_parts_by_version_and_browsers_keep_them_for_good() -> None:
    site = PlayerFiles()

    def headers_of(path: str) -> dict[str, str]:
        told: dict[str, str] = {}
        site({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda status, headers: told.update(headers, status=status))  # type: ignore[arg-type,return-value]
        return told

    page = site.files["index.html"][2].decode()
    assert re.findall(r'"assets/([^/"]+)/', page) == [site.version] * 4
    assert "immutable" in headers_of(f"/exam/assets/{site.version}/views/exam.js")["Cache-Control"]
    for path in ("/exam/", "/exam/worker.js", "/exam/assets/seb.js", f"/exam/assets/{'0' * 16}/views/exam.js"):
        told = headers_of(path)
        assert (told["status"], told["Cache-Control"]) == ("200 OK", "no-cache"), path
        assert "unsafe" not in told["Content-Security-Policy"]
    assert PlayerFiles("Asia/Urumqi").files["worker.js"] != site.files["worker.js"], "a changed page is kept anew"


def test_candidates_get_the_player_without_its_comments_and_nothing_else_is_missing() -> None:
    for path in SCRIPTS:
        written, got = path.read_text(encoding="utf-8"), served(path).decode()
        kept = [line for line in written.splitlines() if not re.match(r"^\s*(/\*|\*|//)", line)]
        assert [line for line in got.splitlines() if line.strip()] == [line for line in kept if line.strip()], path
        assert got.count("\n") == written.count("\n"), f"{path}: lines keep their numbers"


def test_modules_stay_short() -> None:
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in SCRIPTS
        if path.name != "messages_en.js"
    }
    assert {name: n for name, n in lengths.items() if n > 200} == {}


def test_page_holds_no_inline_script_or_style() -> None:
    text = (PLAYER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)|//[a-z]", text)


def messages_in_use() -> set[str]:
    return {found for path in SCRIPTS for found in MESSAGE.findall(path.read_text(encoding="utf-8"))}


def test_every_text_has_an_english_one_and_no_translation_is_left_over() -> None:
    catalogue = dict(
        re.findall(r'^  "([^"]+)": "([^"]*)",$', (PLAYER / "messages_en.js").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert messages_in_use() == set(catalogue)
    assert [key for key, value in catalogue.items() if not value.strip(" ")] == []
    assert [
        key
        for key, value in catalogue.items()
        if set(re.findall(r"\{\w+\}", key)) != set(re.findall(r"\{\w+\}", value))
    ] == []


def test_no_chinese_text_bypasses_translation() -> None:
    allowed = {"中文"}  # the name of the language itself
    for path in SCRIPTS:
        if path.name in {"messages_en.js", "too_old.js"}:
            continue
        words = set(WORDS.findall(re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)))
        assert words - messages_in_use() - allowed == set(), path.name


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("block", [r":root \{(.*?)\}", r'data-contrast="high"\] \{(.*?)\}'])
def test_colours_of_text_and_ground_meet_aa(block: str) -> None:
    css = (PLAYER / "player.css").read_text(encoding="utf-8")
    tokens = dict(re.findall(r"--([a-z-]+): (#\w+)", re.search(r":root \{(.*?)\}", css, re.DOTALL)[1]))
    tokens.update(re.findall(r"--([a-z-]+): (#\w+)", re.search(block, css, re.DOTALL)[1]))
    pairs = [
        (text, ground)
        for text in ("ink", "muted", "primary", "success", "danger", "warning")
        for ground in ("surface", "ground")
    ]
    pairs += [
        ("on-primary", "primary"),
        ("success", "success-soft"),
        ("danger", "danger-soft"),
        ("ink", "warning-soft"),
        ("ink", "primary-soft"),
    ]
    for text, ground in pairs:
        light, dark = sorted((luminance(tokens[text]), luminance(tokens[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
