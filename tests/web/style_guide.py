"""The style guide in a bare template environment: no application, an undefined variable is an error."""

import re
from pathlib import Path

import jinja2

WEB = Path(__file__).parents[2] / "web"
ICON_NAMES = re.findall(r'symbol id="([\w-]+)"', (WEB / "static" / "icons.svg").read_text(encoding="utf-8"))
STATIC = "/static/0123456789ab/"
FRAME = {
    "organisation": "演示省职业技能鉴定中心",
    "search_href": "/search",
    "jobs": {"href": "/jobs", "count": 2},
    "help_href": "/help",
    "languages": [
        {"code": "zh", "label": "中文", "href": "?lang=zh", "active": True},
        {"code": "en", "label": "English", "href": "?lang=en", "active": False},
    ],
    "person": {
        "name": "王晓梅",
        "role": "题库管理员（演示）",
        "links": [
            {"label": "修改密码", "href": "/password", "method": "get"},
            {"label": "退出登录", "href": "/sign-out", "method": "post"},
        ],
    },
    "menu": [
        {"label": "", "items": [{"label": "首页", "href": "/", "icon": "home"}]},
        {
            "label": "题库",
            "items": [
                {"label": "标准与细目表", "href": "#", "icon": "tree"},
                {"label": "试题列表", "href": "#", "icon": "list", "active": True},
                {"label": "导入", "href": "#", "icon": "upload", "count": 2},
            ],
        },
    ],
}
SIGN_IN = """{% extends "plain.html" %}
{% from "components/forms.html" import text_field, csrf %}{% from "components/buttons.html" import button %}
{% block title %}登录{% endblock %}
{% block content %}<form method="post" action="#">{{ csrf() }}{{ text_field("username", "账号", required=true) }}
<div class="button-row">{{ button("登录", kind="primary") }}</div></form>{% endblock %}"""
DRAWER = r"""{% from "components/drawer.html" import drawer %}{% call drawer("试题 A-0003", href="#") %}
<div class="tex-scope" data-controller="tex"><p>已知 \(R=\frac{U^2}{P}\)</p></div>{% endcall %}"""
ERROR = {
    "code": 403,
    "title": "没有权限",
    "message": "您不能查看封存的试卷。",
    "hint": "请联系管理员。",
    "request_id": "01JD7Z8T",
}


def flashed_messages(*, with_categories):
    """Return one message, as Flask does when asked for categories."""
    return [("success", "试题 A-0001 已提交审核。")] if with_categories else []


def environment():
    """Return an environment with what the application registers, and nothing more."""
    bare = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
    )
    bare.install_gettext_callables(lambda text: text, lambda one, many, n: one if n == 1 else many, newstyle=True)
    bare.globals.update(
        static_url=lambda path: STATIC + path,
        csrf_token=lambda: "token",
        get_flashed_messages=flashed_messages,
    )
    return bare


def render_pages():
    """Return the pages by path: the style guide, a sign-in, an error and the drawer's fragment."""
    bare = environment()
    guide = bare.get_template("styleguide.html")
    return {
        "/": guide.render(page_href=lambda n: f"?page={n}", icon_names=ICON_NAMES, **FRAME),
        "/sign-in": bare.from_string(SIGN_IN).render(organisation=FRAME["organisation"], languages=FRAME["languages"]),
        "/error": bare.get_template("error.html").render(**ERROR),
        "/drawer.html": bare.from_string(DRAWER).render(),
    }
