"""Files of messages: shown only to those who may see the brand's cases, and never run."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from rapport.media.actions import IMAGES
from rapport.media.models import StoredFile
from rapport.staff.access import may
from rapport.staff.permissions import Permission
from rapport.web.views.pages import DeskRequest


@require_safe
@login_required
def stored_file(request: DeskRequest, file_id: int) -> HttpResponse:
    """One file. Pictures are shown; everything else can only be downloaded, whatever it says it is."""
    file = StoredFile.objects.filter(id=file_id).first()
    if file is None or not may(request.user, file.brand_id, Permission.VIEW_CASES):
        raise Http404
    shown = file.content_type in IMAGES
    response = HttpResponse(
        bytes(file.content), content_type=file.content_type if shown else "application/octet-stream"
    )
    disposition = content_disposition_header(as_attachment=not shown, filename=file.name)
    response["Content-Disposition"] = disposition or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    # The bytes behind an id never change.
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response
