"""Make the virtual environment, and with ``--dev`` everything the tests need; does nothing when all is there.

Runs with the system's Python and its standard library alone. What cannot be had is said, with the command that would bring it,
and the exit status is 1.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SYSTEM_TOOLS = {
    "chromium": "chromium",
    "WebKitWebDriver": "webkit2gtk-driver",
    "Xvfb": "xvfb",
    "fc-list": "fontconfig",
    "strace": "strace",
}
POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def say(text):
    """Tell what is being done."""
    print(f"[setup] {text}", flush=True)


def stop(text):
    """End with a message that says what to do."""
    sys.exit(f"[setup] {text}")


def apt_install(*packages):
    """Install Debian packages when we may; otherwise say which are missing."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        stop(
            f"missing system packages: {' '.join(packages)}. Install them (for example: sudo apt-get install {' '.join(packages)})."
        )
    say(f"installing {' '.join(packages)}")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
    if subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=False, **quiet).returncode:
        stop(f"could not install {' '.join(packages)}")


def make_venv():
    """Create the virtual environment; Debian keeps the means for it in a package of its own."""
    if (VENV / "bin/pip").exists():
        return
    say("creating .venv")
    try:
        venv.create(VENV, with_pip=True, clear=True)
    except (subprocess.CalledProcessError, OSError, ImportError):
        apt_install(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)


def install(lock):
    """Install exactly the locked packages, and this project in place; a stamp remembers which lock was installed."""
    stamp = VENV / f".installed-{lock.stem}"
    state = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return
    say(f"installing {lock.name}")
    pip = [str(VENV / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)
    stamp.write_text(state)


def has_chinese_font():
    """Say whether a browser can show Chinese."""
    found = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())


def install_system_tools():
    """Bring both browsers, a screen for WebKit, a Chinese font, PostgreSQL and strace, which the tests drive for real."""
    missing = [package for tool, package in SYSTEM_TOOLS.items() if not shutil.which(tool)]
    if not POSTGRES_FOLDERS and not shutil.which("initdb"):
        missing.append("postgresql")
    if missing:
        apt_install(*missing)
    if not has_chinese_font():
        apt_install("fonts-noto-cjk")


def main():
    """Do what the arguments ask."""
    if sys.version_info < (3, 11):
        stop("Python 3.11 or newer is needed")
    make_venv()
    is_dev = "--dev" in sys.argv
    install(ROOT / ("requirements-dev.lock" if is_dev else "requirements.lock"))
    compile_sources()
    if is_dev:
        install_system_tools()


def compile_sources():
    """Compile once what every start would otherwise compile again where the environment forbids writing byte code."""
    folders = sorted(str(path.parent) for path in ROOT.glob("*/__init__.py"))
    subprocess.run([str(VENV / "bin/python"), "-m", "compileall", "-q", *folders], check=False)


if __name__ == "__main__":
    main()
