"""The one mapping from refusals to answers: JSON under /api/, a page elsewhere."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from kernel.errors import DomainError, UnauthenticatedError
from kernel.i18n import N_
from web.forms import field_messages

NOT_FOUND = 404
log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(ValidationError, _validation)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Say whether this request belongs to a script rather than a person."""
    return request.path.startswith("/api/")


def error_message(exc: DomainError) -> str:
    """Return a refusal's message in the reader's language."""
    text: str = _(exc.template)
    return text % exc.context if exc.context else text


def _domain(exc: DomainError) -> BaseResponse:
    log.info("refused", code=exc.error_code, path=request.path)
    if isinstance(exc, UnauthenticatedError) and not wants_json() and request.method == "GET":
        return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")))
    fields = field_messages(exc)
    details = {"fields": fields} if fields else {k: str(v) for k, v in exc.context.items()}
    response = answer(exc.error_code, error_message(exc), exc.http_status, details)
    if "retry_after_seconds" in exc.context:
        response.headers["Retry-After"] = str(exc.context["retry_after_seconds"])
    return response


def _validation(exc: ValidationError) -> BaseResponse:
    return answer("invalid_input", _("输入有误，请按提示修改"), 422, {"fields": exc.messages_dict})


def _csrf(_exc: CSRFError) -> BaseResponse:
    return answer("csrf", _("页面已过期，请返回上一页刷新后重新提交"), 400, {})


HTTP_MESSAGES = {
    404: N_("页面不存在，请检查地址，或回首页重新进入"),
    405: N_("不支持这种操作方式"),
    413: N_("文件过大，请压缩或拆分后重新上传"),
    429: N_("操作过于频繁，请稍后再试"),
}


def _without_slash() -> BaseResponse | None:
    """Lead to the page that an address with a slash too much means, if there is one: people type them from paper."""
    path, adapter = request.path.rstrip("/"), current_app.create_url_adapter(request)
    if request.method != "GET" or path == request.path or wants_json() or adapter is None:
        return None
    try:
        endpoint, values = adapter.match(path, method="GET")
    except HTTPException:
        return None
    asked = request.query_string.decode("ascii", "replace")
    return redirect("?".join(filter(None, (url_for(endpoint, **values), asked))), code=301)


def _http(exc: HTTPException) -> BaseResponse:
    status = exc.code or 500
    if status == NOT_FOUND and (meant := _without_slash()):
        return meant
    code = (exc.name or "error").lower().replace(" ", "_")
    details: dict[str, Any] = {}
    data = getattr(exc, "data", None)
    if status == 422 and data:
        return answer("invalid_input", _("输入有误，请按提示修改"), 422, {"fields": data.get("messages", {})})
    response = answer(code, _(HTTP_MESSAGES.get(status, N_("请求无法处理，请返回重试"))), status, details)
    for name, value in exc.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _unexpected(exc: Exception) -> BaseResponse:
    log.error("unexpected", path=request.path, exc_info=exc)
    message = _("系统出现意外错误，您的数据没有改变。请记下编号并联系管理员")
    return answer("internal", message, 500, {"request_id": g.get("request_id", "")})


def answer(code: str, message: str, status: int, details: dict[str, Any]) -> Response:
    """Return an error in the shape the reader understands."""
    if wants_json():
        response = jsonify({"error": code, "message": message, "details": details})
        response.status_code = status
        return response
    html = render_template(
        "error.html", code=code, title=_error_title(status), message=message, hint=_field_hint(details),
        request_id=g.get("request_id", ""), back_href=_back_address(),
    )  # fmt: skip
    return Response(html, status=status, mimetype="text/html")


def _field_hint(details: dict[str, Any]) -> str:
    fields = details.get("fields")
    if not isinstance(fields, dict):
        return ""
    return "；".join(str(m) for messages in fields.values() for m in (messages if isinstance(messages, list) else []))


def _back_address() -> str:
    """Return the page this one was asked from, when it is ours."""
    referrer = request.referrer or ""
    return referrer if referrer.startswith(request.host_url) and referrer != request.url else ""


def _error_title(status: int) -> str:
    titles = {
        401: _("需要登录"),
        403: _("没有权限"),
        404: _("没有找到"),
        409: _("现在不能这样做"),
        422: _("需要修改"),
        507: _("磁盘空间不足"),
    }
    return str(titles.get(status) or _("出错了"))
