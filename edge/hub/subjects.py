"""What a model is, as one text and one id: an order and a record of it agree on both."""

from __future__ import annotations

import hashlib
import json

from edge.record import Subject


def subject_text(subject: Subject) -> str:
    """One line of JSON, keys sorted."""
    return json.dumps(subject.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def subject_id(text: str) -> str:
    """Of a `subject_text`; 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
