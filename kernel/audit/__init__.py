"""Append-only, hash-linked audit events, written in the transaction of the act they record."""

from kernel.audit.chain import BrokenLink, VerifyResult, record, verify, verify_end

__all__ = ["BrokenLink", "VerifyResult", "record", "verify", "verify_end"]
