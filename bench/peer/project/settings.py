"""Settings of the peer. Its database is that of PEER_DATABASE_URL, with a connection for each thread."""

import os
import secrets

from psycopg.conninfo import conninfo_to_dict

_parameters = conninfo_to_dict(os.environ["PEER_DATABASE_URL"])
SECRET_KEY = secrets.token_hex(32)
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "views"
# It adds Content-Length. All others would only add to the peer's time.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "notifications"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _parameters.pop("dbname"),
        "OPTIONS": _parameters,
        "CONN_MAX_AGE": None,
    }
}
