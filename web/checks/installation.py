"""Looks at what was installed and set: settings, TLS and cookies, the root secret, permissions, fonts, the solver."""

from __future__ import annotations

import os
import resource
import stat
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _

from kernel.i18n import N_
from web.backup.archive import ROOT_KEY_FILE
from web.backup.databases import sqlite_file
from web.checks.finding import Finding, Level, Look, settings_now

FONT_PACKAGE = "manimgx_fonts_cjk"
SOLVER_PACKAGE = "highspy"
FILES_FOR_EACH_WORKER = 256
LEAST_KINDS = 10
"""A root secret of so few different characters was typed by somebody, not drawn."""
OWN_NAMES = {"localhost", "127.0.0.1", "::1"}


def check_settings() -> Finding:
    """The instance folder can be written, and the process may open enough files."""
    settings = settings_now()
    with tempfile.TemporaryFile(dir=settings.instance_dir):
        pass
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = settings.workers * FILES_FOR_EACH_WORKER
    if limit < needed:
        text = _("每个进程最多只能打开 %(n)s 个文件，%(workers)s 个网页进程需要 %(needed)s 个", n=limit,
                 workers=settings.workers, needed=needed)  # fmt: skip
        return Finding(Level.WARN, text, _("在 systemd 单元里设置 LimitNOFILE=65536"))
    return Finding(Level.OK, _("实例目录 %(folder)s 可写", folder=settings.instance_dir))


def check_transport() -> Finding:
    """People reach the site over TLS, cookies follow, and forwarding headers are believed from the proxy alone."""
    settings = settings_now()
    address = urlsplit(settings.public_url)
    host = settings.bind.rpartition(":")[0].strip("[]")
    if address.scheme == "https" and not settings.secure_cookies:
        text = _("对外地址是 https，但登录凭证也会经 http 发送")
        return Finding(Level.FAIL, text, _("KAOKU_PUBLIC_URL 是 https 地址，请把 KAOKU_SECURE_COOKIES 设为 true"))
    if settings.secure_cookies and address.scheme != "https":
        text = _("登录凭证只经 https 发送，而对外地址不是 https，可能无法登录")
        return Finding(Level.WARN, text, _("请把 KAOKU_PUBLIC_URL 设为 https 地址"))
    if address.scheme == "https" and not settings.trusted_proxies:
        text = _("https 由前面的服务器处理，但没有采信它转来的地址，所有人看起来来自同一台机器")
        return Finding(Level.WARN, text, _("请把 KAOKU_TRUSTED_PROXIES 设为 1"))
    if settings.trusted_proxies and host not in OWN_NAMES:
        text = _("%(bind)s 可以绕过前面的服务器直接访问，来访地址可以伪造", bind=settings.bind)
        return Finding(Level.WARN, text, _("请把 KAOKU_BIND 设为 127.0.0.1:8000，或用防火墙只放行前面的服务器"))
    if address.scheme != "https" and host not in OWN_NAMES:
        text = _("没有 https：考生浏览器不提供加密和可靠的本机存储，断网保护会变弱")
        return Finding(Level.WARN, text, _("请按《安装与运维》用 nginx 和机房证书启用 https，再设置 KAOKU_PUBLIC_URL"))
    where = settings.public_url or _("仅本机 %(bind)s", bind=settings.bind)
    return Finding(Level.OK, _("对外地址 %(address)s", address=where))


def check_secret() -> Finding:
    """The root secret was drawn at random, is readable by its owner alone, and is the one the data were sealed with."""
    settings = settings_now()
    if len(set(settings.secret_key)) < LEAST_KINDS:
        mend = _("删掉这项设置，由系统生成；已有封存内容时不要更换，请联系技术支持")
        return Finding(Level.FAIL, _("主密钥太简单，容易被猜出"), mend)
    file = settings.instance_dir / ROOT_KEY_FILE
    if not file.exists():
        return Finding(Level.OK, _("主密钥来自 KAOKU_SECRET_KEY，请另外保管一份"))
    if file.stat().st_mode & 0o077:
        return Finding(Level.FAIL, _("主密钥文件别人也能读"), _("运行 chmod 600 %(file)s", file=file))
    if file.read_text(encoding="utf-8").strip() != settings.secret_key:
        text = _("KAOKU_SECRET_KEY 与实例目录里的主密钥不同，用哪个封存的就要用哪个打开")
        return Finding(Level.WARN, text, _("确认之后只留一处"))
    return Finding(Level.OK, _("主密钥在 %(file)s，只有属主能读，请另外保管一份", file=file))


def check_permissions() -> Finding:
    """Nobody but the owner can look into the instance folder, the database or the backups."""
    loose = [str(place) for place in _private_places() if stat.S_IMODE(place.stat().st_mode) & 0o007]
    if loose:
        mend = _("运行 chmod -R o-rwx %(places)s", places=" ".join(loose))
        return Finding(Level.WARN, _("本机其他用户能看到：%(places)s", places="、".join(loose)), mend)
    strangers = [str(place) for place in _private_places() if not os.access(place, os.R_OK | os.W_OK)]
    if strangers:
        mend = _("用 chown 改为运行本程序的用户")
        return Finding(Level.FAIL, _("本程序不能读写：%(places)s", places="、".join(strangers)), mend)
    return Finding(Level.OK, _("数据和备份只有属主能读"))


def _private_places() -> Iterator[Path]:
    """Return what must be private; inside a private folder nothing else needs a look."""
    settings = settings_now()
    folder = settings.instance_dir
    yield folder
    database = sqlite_file(settings)
    for place in filter(None, (database, settings.backup_folder)):
        is_covered = place.is_relative_to(folder) and not folder.stat().st_mode & 0o007
        if place.exists() and not is_covered:
            yield place


def check_fonts() -> Finding:
    """The Chinese font for printed documents is installed."""
    spec = find_spec(FONT_PACKAGE)
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    fonts = [file.name for folder in folders for file in folder.rglob("*") if file.suffix in {".otf", ".ttf", ".ttc"}]
    if not fonts:
        return Finding(Level.FAIL, _("没有找到中文字体"), _("请重新安装依赖（make setup）"))
    return Finding(Level.OK, _("中文字体 %(n)s 个", n=len(fonts)))


def check_solver() -> Finding:
    """Assembly's solver is there and solves: the least x with x ≥ 3."""
    try:
        highspy: Any = import_module(SOLVER_PACKAGE)
    except ImportError:
        return Finding(Level.FAIL, _("没有找到求解器，不能组卷"), _("请重新安装依赖（make setup）"))
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.addVar(3.0, 10.0)
    solver.changeColCost(0, 1.0)
    solver.run()
    if solver.getInfo().objective_function_value != 3.0:
        return Finding(Level.FAIL, _("求解器结果不对"), _("请重新安装依赖（make setup）"))
    return Finding(Level.OK, _("求解器 HiGHS %(version)s", version=solver.version()))


LOOKS = (
    Look("settings", N_("设置"), check_settings),
    Look("transport", N_("加密传输"), check_transport),
    Look("secret", N_("主密钥"), check_secret),
    Look("permissions", N_("文件权限"), check_permissions),
    Look("fonts", N_("字体"), check_fonts),
    Look("solver", N_("求解器"), check_solver),
)
