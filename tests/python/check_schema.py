"""Checks a JSON document against a JSON schema: check_schema.py SCHEMA DOCUMENT"""

import json
import sys
from pathlib import Path

import jsonschema

schema, document = (json.loads(Path(path).read_text()) for path in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(document), key=str)
for error in errors:
    print(f"{error.json_path}: {error.message}")
sys.exit(1 if errors else 0)
