"""check-msdefender: the monitoring plug-in as it is installed, by its command line, with its own sign-in. It has the names
of the services built in, so these lead to the server under test; nothing of it is replaced."""
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from checks import CLIENT, SECRET, TENANT, Rows, end, holds, same

rows = Rows()
folder = Path(tempfile.mkdtemp(dir=os.environ["SIGHTHOUND_WORK"]))
plugin = Path(sys.executable).with_name("check_msdefender")


def config(secret):
    path = folder / f"{len(list(folder.iterdir()))}.ini"
    who = f"client_id = {CLIENT}\ntenant_id = {TENANT}\nclient_secret = {secret}"
    path.write_text(f"[auth]\n{who}\n[settings]\ntimeout = 30\n")
    return path


def ask(*words, secret=SECRET):
    command = [plugin, *words, "-c", config(secret)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    return done.returncode, done.stdout


def counted(*words):
    """The status, and the number of open alerts, where one is a warning."""
    status, said = ask("alerts", *words, "-W", "1", "-C", "100000")
    return status, re.findall(r"alerts=(\d+)", said)


OK, WARNING, CRITICAL, UNKNOWN = range(4)
name, device, ids = rows.busiest()
short = next(one for one, count in Counter(row["DeviceName"] for row in rows.alerts.values()).items() if count < len(ids))

status, said = ask("machines", "-W", "1", "-C", "1000")
machines = {row["DeviceId"]: row["DeviceName"] for row in rows.alerts.values()}
same("machines: its status", status, WARNING)
holds("machines: how many", f"Total machines: {len(machines)}" in said)
found = dict(re.findall(r"^([0-9a-f]{40}): (\S+) ", said, re.M))
holds("machines: some are listed", found)
holds("machines: each by its name", all(machines.get(key) == dns for key, dns in found.items()))

for one in (name, short):
    open_alerts = rows.ids(lambda row: row["DeviceName"] == one)
    same(f"alerts of {one}", counted("-d", one), (WARNING, [str(len(open_alerts))]))
same("alerts by the machine's id", counted("-m", device), (WARNING, [str(len(ids))]))

last = max(rows.alerts[key]["Timestamp"] for key in ids)
status, said = ask("lastseen", "-d", name)
same("lastseen: a machine of long ago", status, CRITICAL)
holds("lastseen: when", last[:19].replace("T", " ") in said)
status, said = ask("detail", "-d", name)
same("detail: its status", status, OK)
holds("detail: which machine", device in said and name in said)
status, said = ask("onboarding", "-d", name)
same("onboarding: nobody has told, which is no fault", (status, "Unknown onboarding status" in said), (WARNING, True))
status, said = ask("incidents", "-d", name, "-W", "1", "-C", "100000")
same("incidents: its status", status, WARNING)
numbers = re.findall(r"^Incident (\d+) - (\d+) alert", said, re.M)
holds("incidents: some are listed", numbers)

# One incident by its number, one by an alert of it: from Graph, with evidence, machines, users and the hunting tables.
number, count = min(numbers, key=lambda pair: int(pair[1]))
status, report = ask("incident-detail", number)
same("incident-detail: its status", status, OK)
for words in (f"INCIDENT {number}", "SUMMARY", "MACHINES (1)", name, device, "EVIDENCE"):
    holds(f"incident-detail: {words}", words in report)
same("incident-detail: alerts at least", int(re.search(r"^alerts: (\d+)", report, re.M)[1]) >= int(count), True)
alert = list(rows.alerts)[0]
status, report = ask("incident-detail", alert)
same("incident-detail by an alert: its status", status, OK)
for column in ("Title", "DeviceName"):
    holds(f"incident-detail by an alert: its {column}", rows.alerts[alert][column] in report)

status, said = ask("alerts", "-d", "nobody.contoso.example")
same("a machine that is not there", (status, "Machine not found" in said), (UNKNOWN, True))
status, said = ask("machines", secret="wrong")
same("a wrong secret", (status, "Authentication failed" in said), (UNKNOWN, True))
status, said = ask("vulnerabilities", "-d", name)
same("vulnerabilities: refused, not invented", (status, "404" in said), (UNKNOWN, True))
end(least=25)
