"""Permissions and the roles that bundle them. Every endpoint names one permission; a role is a set of them."""

from __future__ import annotations

import enum

from kernel.i18n import N_


class Permission(enum.StrEnum):
    """One thing that somebody may do."""

    ORGANISATION_MANAGE = "organisation.manage"
    USER_MANAGE = "user.manage"
    PROFILE_MANAGE = "profile.manage"
    AUDIT_READ = "audit.read"
    SYSTEM_READ = "system.read"
    SYSTEM_MANAGE = "system.manage"
    JOB_READ = "job.read"
    STANDARD_READ = "standard.read"
    STANDARD_WRITE = "standard.write"
    ITEM_READ_OWN = "item.read_own"
    ITEM_READ = "item.read"
    ITEM_WRITE = "item.write"
    ITEM_IMPORT = "item.import"
    ITEM_EXPORT = "item.export"
    ITEM_REVIEW = "item.review"
    ITEM_COMMISSION = "item.commission"
    ITEM_RETIRE = "item.retire"
    WORKFLOW_MANAGE = "workflow.manage"
    BLUEPRINT_READ = "blueprint.read"
    BLUEPRINT_WRITE = "blueprint.write"
    FORM_READ = "form.read"
    FORM_ASSEMBLE = "form.assemble"
    FORM_APPROVE = "form.approve"
    FORM_SEAL = "form.seal"
    PANEL_MANAGE = "panel.manage"
    PANEL_RATE = "panel.rate"
    SESSION_READ = "session.read"
    SESSION_WRITE = "session.write"
    SESSION_INVIGILATE = "session.invigilate"
    SESSION_CONTROL = "session.control"
    RESPONSE_MARK = "response.mark"
    SCORE_READ = "score.read"
    SCORE_RELEASE = "score.release"
    STATISTICS_READ = "statistics.read"
    CERTIFICATION_READ = "certification.read"
    CERTIFICATION_WRITE = "certification.write"
    SKILL_SCORE_WRITE = "skill_score.write"
    CERTIFICATE_ISSUE = "certificate.issue"
    CERTIFICATE_REVOKE = "certificate.revoke"
    PERSONAL_DATA_REVEAL = "personal_data.reveal"
    EVIDENCE_MAKE = "evidence.make"
    CONNECTION_MANAGE = "connection.manage"
    SUPERVISE = "supervise"


class Role(enum.StrEnum):
    """A job in the house; a person may hold several."""

    PLATFORM_ADMIN = "platform_admin"
    ORGANISATION_ADMIN = "organisation_admin"
    EDITOR = "editor"
    AUTHOR = "author"
    REVIEWER = "reviewer"
    ASSEMBLER = "assembler"
    FORM_APPROVER = "form_approver"
    EXAM_OFFICER = "exam_officer"
    INVIGILATOR = "invigilator"
    CHIEF_INVIGILATOR = "chief_invigilator"
    MARKER = "marker"
    ASSESSOR = "assessor"
    CERTIFICATION_OFFICER = "certification_officer"
    SUPERVISOR = "supervisor"


ROLE_LABELS: dict[Role, str] = {
    Role.PLATFORM_ADMIN: N_("平台管理员"),
    Role.ORGANISATION_ADMIN: N_("机构管理员"),
    Role.EDITOR: N_("题库管理员"),
    Role.AUTHOR: N_("命题专家"),
    Role.REVIEWER: N_("审题专家"),
    Role.ASSEMBLER: N_("组卷员"),
    Role.FORM_APPROVER: N_("审卷人"),
    Role.EXAM_OFFICER: N_("考务管理员"),
    Role.INVIGILATOR: N_("监考员"),
    Role.CHIEF_INVIGILATOR: N_("总控"),
    Role.MARKER: N_("阅卷员"),
    Role.ASSESSOR: N_("考评员"),
    Role.CERTIFICATION_OFFICER: N_("认定管理员"),
    Role.SUPERVISOR: N_("质量督导员"),
}

P = Permission
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.PLATFORM_ADMIN: frozenset(
        {P.ORGANISATION_MANAGE, P.USER_MANAGE, P.PROFILE_MANAGE, P.AUDIT_READ, P.SYSTEM_READ, P.SYSTEM_MANAGE, P.JOB_READ}
    ),
    Role.ORGANISATION_ADMIN: frozenset(
        {P.USER_MANAGE, P.PROFILE_MANAGE, P.WORKFLOW_MANAGE, P.AUDIT_READ, P.JOB_READ, P.STANDARD_READ,
         P.CONNECTION_MANAGE}
    ),
    Role.EDITOR: frozenset(
        {
            P.STANDARD_READ, P.STANDARD_WRITE, P.ITEM_READ, P.ITEM_READ_OWN, P.ITEM_WRITE, P.ITEM_IMPORT,
            P.ITEM_EXPORT, P.ITEM_REVIEW, P.ITEM_RETIRE, P.ITEM_COMMISSION, P.STATISTICS_READ, P.JOB_READ,
            P.PANEL_MANAGE,
        }
    ),
    Role.AUTHOR: frozenset({P.STANDARD_READ, P.ITEM_READ_OWN, P.ITEM_WRITE, P.PANEL_RATE}),
    Role.REVIEWER: frozenset({P.STANDARD_READ, P.ITEM_READ, P.ITEM_READ_OWN, P.ITEM_REVIEW, P.PANEL_RATE}),
    Role.ASSEMBLER: frozenset(
        {P.STANDARD_READ, P.ITEM_READ, P.ITEM_READ_OWN, P.BLUEPRINT_READ, P.BLUEPRINT_WRITE, P.FORM_READ,
         P.FORM_ASSEMBLE, P.STATISTICS_READ, P.JOB_READ, P.PANEL_MANAGE}
    ),
    Role.FORM_APPROVER: frozenset(
        {P.STANDARD_READ, P.BLUEPRINT_READ, P.FORM_READ, P.FORM_APPROVE, P.FORM_SEAL}
    ),
    Role.EXAM_OFFICER: frozenset(
        {P.SESSION_READ, P.SESSION_WRITE, P.SCORE_READ, P.SCORE_RELEASE, P.STATISTICS_READ, P.PERSONAL_DATA_REVEAL,
         P.JOB_READ}
    ),
    Role.INVIGILATOR: frozenset({P.SESSION_READ, P.SESSION_INVIGILATE}),
    Role.CHIEF_INVIGILATOR: frozenset({P.SESSION_READ, P.SESSION_INVIGILATE, P.SESSION_CONTROL}),
    Role.MARKER: frozenset({P.RESPONSE_MARK}),
    Role.ASSESSOR: frozenset({P.SKILL_SCORE_WRITE, P.PANEL_RATE}),
    Role.CERTIFICATION_OFFICER: frozenset(
        {P.CERTIFICATION_READ, P.CERTIFICATION_WRITE, P.SKILL_SCORE_WRITE, P.CERTIFICATE_ISSUE, P.CERTIFICATE_REVOKE,
         P.SCORE_READ, P.PERSONAL_DATA_REVEAL, P.EVIDENCE_MAKE, P.JOB_READ}
    ),
    Role.SUPERVISOR: frozenset(
        {P.SUPERVISE, P.CERTIFICATION_READ, P.SESSION_READ, P.STANDARD_READ, P.STATISTICS_READ, P.AUDIT_READ}
    ),
}  # fmt: skip
