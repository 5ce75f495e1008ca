"""Django's settings, derived from :mod:`rapport.config.options`. Nothing is configured here twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF

from rapport.config.options import mail_server, options
from rapport.config.postgres import EmbeddedPostgres
from rapport.config.secret_store import load_secrets
from rapport.networks.registry import django_apps

_options = options()
_secrets = load_secrets(_options)
_package = Path(__file__).resolve().parent.parent


def _database(url: str | None) -> dict[str, Any]:
    # Without a running embedded server the address is still needed by commands that touch no table.
    parts = urlsplit(url or "postgresql://postgres:@/postgres?host=/nonexistent")
    query = dict(parse_qsl(parts.query))
    # Our statements are large and quick: compiling one (a server's default) takes longer than running it.
    query["options"] = f"-c jit=off {query.get('options', '')}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**query, "application_name": "rapport"},
    }


DATABASES = {"default": _database(_options.database_url or EmbeddedPostgres(_options.data).running_url())}
if (_socket := DATABASES["default"]["OPTIONS"].pop("host", None)) is not None:
    DATABASES["default"]["HOST"] = _socket

SECRET_KEY = _secrets.secret_key
RAPPORT_ENCRYPTION_KEYS = _secrets.encryption_keys
DEBUG = _options.debug
_public = urlsplit(_options.base_url)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", str(_public.hostname), *_options.allowed_hosts]
CSRF_TRUSTED_ORIGINS = [_options.base_url]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",  # its table is not used any more, but backups of before have it
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "axes",
    "csp",
    "django_htmx",
    "rapport.brands",
    "rapport.staff",
    "rapport.audit",
    "rapport.media",
    "rapport.contacts",
    "rapport.inbox",
    "rapport.ingest",
    "rapport.channels",
    "rapport.outbox",
    "rapport.notices",
    "rapport.mentions",
    "rapport.imports",
    "rapport.web",
    *django_apps(),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "rapport.config.statics.compressed_statics",
    "rapport.config.addresses.comparable_addresses",
    "rapport.config.compressed.CompressedPages",
    "rapport.config.turns.in_turns",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "rapport.web.presence.PresenceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "rapport.config.urls"
ASGI_APPLICATION = "rapport.config.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    }
]

# People -----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "desk"
LOGOUT_REDIRECT_URL = "login"

AXES_FAILURE_LIMIT = _options.login_attempts
AXES_COOLOFF_TIME = _options.login_lock_minutes / 60
AXES_USERNAME_FORM_FIELD = "username"  # else axes looks for the model's field, and counts nothing
AXES_USERNAME_CALLABLE = "rapport.web.login_name.login_name"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_TEMPLATE = "web/locked_out.html"
AXES_SENSITIVE_PARAMETERS = ["password"]

# Safety -----------------------------------------------------------------------------------------
_secure = _public.scheme == "https"
SESSION_COOKIE_SECURE = _secure
CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "rapport.staff.sessions"
SESSION_COOKIE_NAME = "rapport_session"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
X_FRAME_OPTIONS = "DENY"
if _options.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = _options.max_upload_bytes
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# Language and time ------------------------------------------------------------------------------
USE_I18N = True
USE_TZ = True
TIME_ZONE = _options.time_zone
LANGUAGE_CODE = _options.language
LANGUAGES = [("en", "English"), ("es", "Español"), ("hr", "Hrvatski"), ("th", "ไทย"), ("de", "Deutsch")]
LOCALE_PATHS = [_package / "locale"]

# Files ------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = _options.data / "static"
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = _options.debug

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Mail to our own people; channels have mail servers of their own -------------------------------------
RAPPORT_SMTP = _options.smtp_url is not None
if _options.smtp_url is not None:
    _mail = mail_server(_options.smtp_url)
    EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.tls, _mail.starttls
    EMAIL_TIMEOUT = 10
    DEFAULT_FROM_EMAIL = SERVER_EMAIL = _mail.sender

# Rapport's own, read through django.conf.settings -----------------------------------------------
RAPPORT_BASE_URL = _options.base_url
RAPPORT_UNDO_SECONDS = _options.undo_seconds
RAPPORT_SEND_ATTEMPTS = _options.send_attempts
RAPPORT_POLL_SECONDS = _options.poll_seconds
RAPPORT_PRIVATE_ADDRESSES = _options.private_addresses
RAPPORT_MAX_REQUEST_BYTES = _options.max_upload_bytes

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": _options.log_level},
    "loggers": {
        "httpx": {"level": "WARNING"},  # its INFO line repeats whole URLs
        "procrastinate": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
}
