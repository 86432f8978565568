"""What every script checks with, and what the store has: read from the rows that it was made of, not from the server."""
import json
import os
import sys
from collections import Counter
from functools import cached_property
from pathlib import Path

URL = os.environ["SIGHTHOUND_URL"]
TLS_URL = os.environ["SIGHTHOUND_TLS_URL"]
CLIENT, SECRET, TENANT = (os.environ[f"SIGHTHOUND_{name}"] for name in ("CLIENT", "SECRET", "TENANT"))
_done = _failed = 0


def same(what, got, wanted):
    global _done, _failed
    _done += 1
    if got != wanted:
        _failed += 1
        print(f"FAILED {what}\n  wanted {str(wanted)[:400]}\n  got    {str(got)[:400]}")


def holds(what, condition):
    same(what, bool(condition), True)


def fails(what, kind, call, words):
    """The call raises an exception of that kind, and its text has the words."""
    try:
        got = f"no exception but {call()!r}"
    except kind as error:
        got = f"{error} {getattr(error, 'message', '')}"
    holds(f"{what}: {got}", words in got and not got.startswith("no exception"))


def end(least):
    """A script that stopped half way has not passed."""
    if _done < least:
        same("checks made, at least", _done, least)
    print(f"{_done} checks, {_failed} failed")
    sys.exit(1 if _failed else 0)


class Rows:
    """The generated rows, table by table."""

    def __init__(self, folder=os.environ["SIGHTHOUND_ROWS"]):
        self.folder = Path(folder)

    def table(self, name):
        with open(self.folder / f"{name}.jsonl", encoding="utf-8") as lines:
            return [json.loads(line)["properties"] for line in lines]

    @cached_property
    def alerts(self):
        """Rows of DeviceAlertEvents by AlertId, newest first; of an id there is one."""
        rows = sorted(self.table("DeviceAlertEvents"), key=lambda row: row["Timestamp"], reverse=True)
        by_id = {row["AlertId"]: row for row in rows}
        assert len(by_id) == len(rows)
        return by_id

    @cached_property
    def processes(self):
        return self.table("DeviceProcessEvents")

    @cached_property
    def evidence(self):
        """The accounts and hashes that each alert names."""
        named = {}
        for row in self.table("AlertEvidence"):
            named.setdefault(row["AlertId"], []).append(row)
        return named

    def ids(self, such):
        return {key for key, row in self.alerts.items() if such(row)}

    def counted(self, column):
        return dict(Counter(row[column] for row in self.alerts.values()))

    def names(self):
        return dict(Counter(row["FileName"] for row in self.processes))

    def busiest(self):
        """The device with most alerts: its name, its id, and their ids."""
        name = Counter(row["DeviceName"] for row in self.alerts.values()).most_common(1)[0][0]
        ids = self.ids(lambda row: row["DeviceName"] == name)
        return name, self.alerts[next(iter(ids))]["DeviceId"], ids
