"""The secret key that app keys are encrypted with, kept in the data folder if the environment has none."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.settings import PREFIX, SettingError, Settings

_FILE = "secret.key"


def kept_secret_key(data_dir: Path) -> str:
    """Return the secret key of the data folder; create it (mode 0600) on the first call. Raises SettingError."""
    path = data_dir / _FILE
    try:
        if not path.exists():
            _create(path)
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingError(
            f"{PREFIX}DATA_DIR is {str(data_dir)!r}, but it takes a folder that this user can write to "
            f"({error.strerror or error})"
        ) from None


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{_FILE}.{os.getpid()}")
    draft.touch(mode=0o600)
    with draft.open("w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())  # without this key, the app keys encrypted with it are lost
    with suppress(FileExistsError):  # another process was first; its key is the one
        path.hardlink_to(draft)
    draft.unlink()


def key_ring(settings: Settings) -> KeyRing:
    """Return the key ring for settings that `database.running_database` has completed."""
    assert settings.secret_key is not None
    return KeyRing(settings.secret_key)
