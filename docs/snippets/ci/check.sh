#!/bin/sh
# Judge, keep the reports whatever comes of it, and let the exit code decide.
set -eu
code=0
datawal-conformance run \
  --deviations deviations.toml \
  --report json:report.json \
  --report junit:report.xml \
  --report markdown:report.md \
  -- python3 adapter.py || code=$?
case $code in
  0) echo "conformant" ;;
  1) echo "not conformant: see report.md" ;;
  3) echo "the adapter is broken, so there is no verdict" ;;
  4) echo "deviations.toml is out of date: the lines to change are above" ;;
  *) echo "exit code $code" ;;
esac
exit $code
