"""The ASGI application that ``rapport web`` serves."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from rapport.config.bodies import BoundedBodies

application = BoundedBodies(get_asgi_application(), limit=settings.RAPPORT_MAX_REQUEST_BYTES)
