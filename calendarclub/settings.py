"""Settings of calendarclub: a local SQLite file and safe defaults.

Environment variables change them: DATABASE_URL=libsql://... uses Turso.
"""

import os
from pathlib import Path

from calendarclub.private_file import PrivateConnection
from calendarclub.secret_key import local_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or local_secret_key(BASE_DIR / ".secret_key")
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

# Behind a proxy that ends TLS and sends X-Forwarded-Proto.
if os.environ.get("DJANGO_HTTPS") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "agent_sessions",
    "calendarclub.events",
    "calendarclub.chat",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "calendarclub.chat.middleware.content_security_policy",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CSRF_FAILURE_VIEW = "calendarclub.chat.json_errors.csrf_failure"

ROOT_URLCONF = "calendarclub.urls"
ASGI_APPLICATION = "calendarclub.asgi.application"
WSGI_APPLICATION = "calendarclub.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

TURSO = {
    "ENGINE": "agent_sessions.turso",
    "NAME": os.environ.get("DATABASE_URL", ""),
    "PASSWORD": os.environ.get("TURSO_AUTH_TOKEN", ""),
    # How many requests of this process may wait for the database's lock at once: docs/turso.md,
    # "Many writers".
    "OPTIONS": {"writers": int(os.environ.get("TURSO_WRITERS") or 1)},
}
LOCAL_FILE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get("DJANGO_SQLITE_FILE", BASE_DIR / "calendarclub.sqlite3"),
    "OPTIONS": {
        # Otherwise a transaction that begins with a read fails, whatever the timeout is, if it
        # writes while another one does.
        "transaction_mode": "IMMEDIATE",
        # With a write-ahead log, readers and the writer do not wait for each other.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        "timeout": 20,
        # Conversations are private: a new file is readable by its owner alone.
        "factory": PrivateConnection,
    },
}
# Both have the same tables in the same format.
DATABASES = {"default": TURSO if TURSO["NAME"] else LOCAL_FILE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chat:home"
LOGOUT_REDIRECT_URL = "chat:home"

LANGUAGE_CODE = "en-us"
TIME_ZONE = os.environ.get("CALENDARCLUB_TIME_ZONE", "Europe/Amsterdam")
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Static files are served from the apps if collectstatic has not been run.
SERVESTATIC_USE_FINDERS = True

# Django's default logging prints nothing unless DEBUG is on.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

# The agent's model. Without OPENAI_API_KEY an offline model answers.
CALENDARCLUB_MODEL = os.environ.get("CALENDARCLUB_MODEL", "gpt-5-mini")
