"""Upload a file with requests: upload.py ADDRESS CLIENT FILE [NOTES]; set BULK_IMPORT_TOKEN."""

import json
import os
import sys
import time
import uuid

import requests
from requests_toolbelt import MultipartEncoder  # requests alone loads the whole file into memory

LATER = (408, 429, 502, 503, 504)


def send(url, file, notes, key):
    file.seek(0)
    form = MultipartEncoder({"notes": notes, "file": (os.path.basename(file.name), file)})
    headers = {
        "Accept": "application/json",
        "Authorization": f"Bearer {os.environ['BULK_IMPORT_TOKEN']}",
        "Content-Type": form.content_type,  # contains the boundary of this form
        "Idempotency-Key": key,
    }
    return requests.post(url, data=form, headers=headers, timeout=60)


def report(status, text):
    """Print the outcome of each project; raise ValueError if the response was cut off."""
    answer = json.loads(text) if status in (207, 409) else {}
    errors = answer["details"]["errors"] if status == 207 else answer.get("errors")
    if errors is None:
        print(f"refused with {status}: {text}", file=sys.stderr)
        return 2
    if status == 207 and answer.get("complete") is not True:
        raise ValueError("the response was cut off")
    for item in answer["details"]["successes"] if status == 207 else []:
        print(item["outcome"], item["external_id"], item["name"])
    for item in errors:
        print(
            f"failed {item['external_id'] or item['file'] or '-'}, line {item['line']}:",
            f"{item['error']}, {item['message']}",
        )
    print(answer["message"])
    return 1 if errors else 0


def upload(url, file, notes):
    key = str(uuid.uuid4())
    wait = 0
    for pause in (1, 2, 4, 8, 16, 32):
        time.sleep(wait)
        wait = pause
        try:
            response = send(url, file, notes, key)
            later = response.headers.get("Retry-After")
            if later is None and response.status_code not in LATER:
                return report(response.status_code, response.text)
            print(response.status_code, response.text, file=sys.stderr)
            wait = int(later or pause)
        except (requests.RequestException, ValueError) as error:
            print(error, file=sys.stderr)
    return 2


USAGE = "usage: upload.py ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN"
if len(sys.argv) < 4 or not os.environ.get("BULK_IMPORT_TOKEN"):
    print(USAGE, file=sys.stderr)
    sys.exit(2)
address, client, path, notes = [*sys.argv[1:], ""][:4]
try:
    with open(path, "rb") as file:
        code = upload(f"{address}/api/v2/clients/{client}/projects/bulk", file, notes)
except OSError as error:
    print(error, file=sys.stderr)
    code = 2
sys.exit(code)
