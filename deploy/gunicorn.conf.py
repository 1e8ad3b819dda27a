"""Gunicorn's settings, made from the same environment as the application's.

STS_MODEL=runs/cross gunicorn -c deploy/gunicorn.conf.py wsgi:app

What is set below the last line replaces the setting of that name.
"""

import sys as _sys

from sts.errors import StsError as _StsError
from sts.serve.environment import settings_from_environment as _settings_from_environment
from sts.serve.settings import check as _check
from sts.serve.workers import gunicorn_settings as _gunicorn_settings

try:
    # checked before anything is forked, so that a mistake is told once and not by each worker
    _settings = _settings_from_environment()
    _check(_settings)
    globals().update(_gunicorn_settings(_settings.completed()))
except _StsError as _error:
    _sys.stderr.write(f"gunicorn.conf.py: {_error}\n")
    _sys.exit(_error.exit_code)

for _warning in _settings.warnings():
    _sys.stderr.write(f"warning: {_warning}\n")
