"""Files that come with a form: how many, how large, and of which kind by their bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rapport.lib.text import storable
from rapport.media.actions import content_type
from rapport.web.numbers import whole_number


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as somebody chose it. ``content_type`` by its bytes."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


class _Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, as :class:`Upload`. Sizes in bytes: ``each`` file's, and ``together``."""

    widget = _Files

    def __init__(
        self, *, count: int, each: int, together: int, accepted: Collection[str], required: bool = False
    ) -> None:
        super().__init__(required=required)
        self._count, self._each, self._together, self._accepted = count, each, together, frozenset(accepted)

    def clean(self, data: object, initial: object = None) -> list[Upload]:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        if len(given) > self._count:
            raise forms.ValidationError(
                _("Attach at most %(n)d files. Choose them again.") % {"n": self._count}
            )
        found = [self._read(one) for one in given if isinstance(one, UploadedFile)]
        if sum(len(one.content) for one in found) > self._together:
            raise forms.ValidationError(
                _("The files are larger than %(n)d MB together. Choose fewer or smaller ones.")
                % {"n": self._together // 1_000_000}
            )
        return found

    def _read(self, upload: UploadedFile[Any]) -> Upload:
        name = storable(upload.name or "", limit=200) or "file"
        if (upload.size or 0) > self._each:
            raise forms.ValidationError(
                _("%(name)s is larger than %(n)d MB. Choose a smaller file.")
                % {"name": name, "n": self._each // 1_000_000}
            )
        content = upload.read()
        kind = content_type(content, claimed=upload.content_type or "")
        if kind not in self._accepted:
            wanted = (
                _("%(name)s is not a picture, a PDF or a text file. Choose another one.")
                if "text/plain" in self._accepted
                else _("%(name)s is not a picture or a PDF. Choose another one.")
            )
            raise forms.ValidationError(wanted % {"name": name})
        return Upload(name=name, content_type=kind, content=content)


def too_large(request: HttpRequest) -> bool:
    """Whether the body is larger than anything the form allows; asked before it is read."""
    length = whole_number(request.META.get("CONTENT_LENGTH") or "0")
    return length is None or length > settings.RAPPORT_MAX_REQUEST_BYTES


def files_too_large() -> str:
    """The words for that."""
    return _(
        "The files were too large, so nothing was sent and they could not be kept. Go back to find your words again, "
        "and choose smaller files."
    )
