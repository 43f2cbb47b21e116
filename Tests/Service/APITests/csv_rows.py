"""Reads CSV from standard input by Python's csv module and writes its rows as a JSON array of arrays."""

import csv
import io
import json
import sys

text = sys.stdin.buffer.read().decode("utf-8", "strict")
print(json.dumps(list(csv.reader(io.StringIO(text, newline=""), strict=True))))
