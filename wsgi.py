"""The application for Gunicorn, with settings from the environment.

STS_MODEL=runs/cross gunicorn -c deploy/gunicorn.conf.py wsgi:app
"""

import sys

from sts.errors import StsError
from sts.serve.app import create_app

try:
    app = create_app()
except StsError as error:
    print(f"wsgi: {error}", file=sys.stderr)
    sys.exit(4)  # with this one Gunicorn ends, and does not try again for ever
