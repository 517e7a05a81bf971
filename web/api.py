"""JSON interface of the house: sign in, sign out, who am I."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from kernel.clock import iso
from kernel.db import db
from kernel.http import current_actor, public, requires_sign_in
from kernel.identity import repository, services
from kernel.identity.actor import Actor
from kernel.identity.models import User
from kernel.uow import unit_of_work
from web.declarations import api as declarations
from web.pages.auth import authenticate

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
bp = Blueprint("api_auth", __name__, url_prefix="/api/v1", description="Sign in and out; who am I")


class SignInSchema(Schema):
    """Name and password."""

    username = fields.String(required=True, validate=validate.Length(1, 64))
    password = fields.String(required=True, validate=validate.Length(1, 200), load_only=True)


class PersonSchema(Schema):
    """Who is signed in."""

    user_id = fields.UUID(required=True)
    name = fields.String(required=True)
    username = fields.String(required=True)
    organisation_id = fields.UUID(allow_none=True)
    organisation = fields.String(allow_none=True)
    roles = fields.List(fields.String(), required=True)
    permissions = fields.List(fields.String(), required=True)
    must_change_password = fields.Boolean(required=True)


class TokenSchema(Schema):
    """A bearer token; it is shown once."""

    token = fields.String(required=True)
    expires_at = fields.String(required=True, metadata={"format": "date-time"})
    person = fields.Nested(PersonSchema, required=True)


@bp.post("/auth/sign-in")
@public
@bp.arguments(SignInSchema)
@bp.response(200, TokenSchema)
def sign_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return a bearer token for name and password; wrong ones are counted and throttled."""
    signed = authenticate(body["username"].strip(), body["password"])
    user = db.session.get_one(User, signed.user_id)
    person = describe(user, services.actor_of_user(user))
    return {"token": signed.token, "expires_at": iso(signed.expires_at), "person": person}


@bp.delete("/auth/session")
@requires_sign_in
@bp.doc(security=BEARER)
@bp.response(204)
def end_session() -> None:
    """End the session of the token that this request carries."""
    actor = current_actor()
    if actor.session_id:
        with unit_of_work(actor) as uow:
            services.end_session(uow, actor.session_id)


@bp.get("/me")
@requires_sign_in
@bp.doc(security=BEARER)
@bp.response(200, PersonSchema)
def me() -> dict[str, Any]:
    """Return who the token belongs to and what this person may do."""
    actor = current_actor()
    return describe(db.session.get_one(User, actor.user_id), actor)


def describe(user: User, actor: Actor) -> dict[str, Any]:
    """Return a person as the interface shows it."""
    organisation_id = user.organisation_id
    name = repository.get_organisation(db.session(), organisation_id).name if organisation_id else None
    return {
        "user_id": user.user_id,
        "name": user.name,
        "username": user.username,
        "organisation_id": organisation_id,
        "organisation": name,
        "roles": sorted(actor.roles),
        "permissions": sorted(actor.permissions),
        "must_change_password": user.must_change_password,
    }


BLUEPRINTS: tuple[Blueprint, ...] = (bp, declarations.bp)
