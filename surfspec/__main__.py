"""``python -m surfspec`` is the command ``surfspec``."""

from __future__ import annotations

import sys

from surfspec.cli import main

sys.exit(main())
