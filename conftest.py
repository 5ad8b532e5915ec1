"""How hypothesis runs in every test folder: no deadline, since no test depends on speed; the same examples in CI.

`pytest --hypothesis-profile=thorough` looks longer.
"""

import os

from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=3000)
settings.load_profile("ci" if os.environ.get("CI") else "default")
