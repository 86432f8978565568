"""python-odata: entities made from `$metadata`, queries, paging, relations, changes; without sign-in and with a token."""
import datetime
import json

import requests
from checks import CLIENT, SECRET, TENANT, TLS_URL, URL, Rows, end, fails, holds, same
from odata import ODataService
from odata.exceptions import NoResultsFound, ODataError

rows = Rows()
service = ODataService(f"{URL}/api/", reflect_entities=True, quiet_progress=True)
sets = {"Alerts", "Machines", "Files", "Ips", "Domains", "Users", "incidents"}
same("sets of the alerts API", set(service.entities), sets)
Alert, Machine = service.entities["Alerts"], service.entities["Machines"]
alerts = service.query(Alert)

# Two pages: one has at most 10,000.
everything = alerts.all()
same("alerts, page by page", len(everything), len(rows.alerts))
same("each of them once", {alert.id for alert in everything}, set(rows.alerts))
same("count", alerts.count(), len(rows.alerts))
newest = list(rows.alerts)[:3]
same("newest first", [alert.id for alert in everything[:3]], newest)
same("order", [alert.id for alert in alerts.order_by(Alert.alertCreationTime.asc()).limit(3)], list(rows.alerts)[:-4:-1])
same("limit and offset", [alert.id for alert in alerts.limit(2).offset(1)], newest[1:3])

high = rows.ids(lambda row: row["Severity"] == "High")
same("a filter", {alert.id for alert in alerts.filter(Alert.severity == "High")}, high)
same("its count", alerts.filter(Alert.severity == "High").count(), len(high))
both = (Alert.severity == "Low") & Alert.title.contains("malware")
wanted = rows.ids(lambda row: row["Severity"] == "Low" and "malware" in row["Title"])
same("and, contains", {alert.id for alert in alerts.filter(both)}, wanted)
either = (Alert.category == "Ransomware") | Alert.category.startswith("Cred")
wanted = rows.ids(lambda row: row["Category"] == "Ransomware" or row["Category"].startswith("Cred"))
same("or, startswith", {alert.id for alert in alerts.filter(either)}, wanted)
quoted = next(row["Title"] for row in rows.alerts.values() if "'" in row["Title"])
wanted = rows.ids(lambda row: row["Title"] == quoted)
same("a text with quotes", alerts.filter(Alert.title == quoted).count(), len(wanted))
since = datetime.datetime(2025, 6, 20, 2, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
wanted = rows.ids(lambda row: row["Timestamp"] >= "2025-06-20T00:30:00")
same("a time with an offset", {alert.id for alert in alerts.filter(Alert.alertCreationTime >= since)}, wanted)

one = alerts.get(newest[0])
same("one by its key", one.id, newest[0])
same("its title", one.title, rows.alerts[one.id]["Title"])
holds("its time is a time", isinstance(one.alertCreationTime, datetime.datetime) and one.alertCreationTime.tzinfo)
fails("a key that is not there", NoResultsFound, lambda: alerts.get("da0_0"), "")
selected = alerts.filter(Alert.id == one.id).select(Alert.id, Alert.severity).all()
same("select", selected, [{"id": one.id, "severity": rows.alerts[one.id]["Severity"]}])

same("evidence stays away until it is asked for", one.evidence, [])
for alert in alerts.filter(Alert.severity == "High").expand(Alert.evidence).limit(20):
    accounts = {row["AccountName"] for row in rows.evidence[alert.id] if row["EntityType"] == "User"}
    found = {item["accountName"] for item in alert.evidence if item["entityType"] == "User"}
    same(f"users in the evidence of {alert.id}", found, accounts)
techniques = json.loads(rows.alerts[one.id]["AttackTechniques"] or "[]")
same("techniques are a list", one.mitreTechniques, [technique[technique.rindex("(") + 1 : -1] for technique in techniques])

same("the machine of an alert", one.machine.computerDnsName, rows.alerts[one.id]["DeviceName"])
name, device, ids = rows.busiest()
machine = service.query(Machine).get(device)
same("a machine by its key", machine.computerDnsName, name)
same("the alerts of a machine", {alert.id for alert in machine.alerts}, ids)
same("machines", service.query(Machine).count(), len({row["DeviceId"] for row in rows.alerts.values()}))
with_file = next(key for key, row in rows.alerts.items() if row["SHA1"])
files = alerts.get(with_file).files
holds("the files of an alert", rows.alerts[with_file]["SHA1"] in {file.sha1 for file in files})

groups = alerts.raw({"$apply": "groupby((severity),aggregate($count as n))"})
same("apply", {group["severity"]: group["n"] for group in groups}, rows.counted("Severity"))
incidents = service.query(service.entities["incidents"]).all()
of_incidents = alerts.raw({"$apply": "groupby((incidentId))"})
same("incidents", {incident.incidentId for incident in incidents}, {group["incidentId"] for group in of_incidents})

one.status, one.assignedTo = "InProgress", "python@contoso.example"
service.save(one)
same("what the answer to a change says", (one.status, one.assignedTo), ("InProgress", "python@contoso.example"))
again = alerts.get(one.id)
same("what is there after it", (again.status, again.assignedTo), ("InProgress", "python@contoso.example"))
same("and nowhere else", alerts.filter(Alert.assignedTo == "python@contoso.example").count(), 1)
fails("a property that is not there", ODataError, lambda: alerts.raw({"$filter": "nope eq 1"}), "no property `nope`")
one.status = "Nonsense"
fails("a status that is none", ODataError, lambda: service.save(one), "`status` is one of")

# The hunting tables are the other service's.
feed = ODataService(f"{URL}/odata/", reflect_entities=True, quiet_progress=True)
Process = feed.entities["DeviceProcessEvents"]
processes = feed.query(Process)
counted = {}
for row in processes:
    counted[row.FileName] = counted.get(row.FileName, 0) + 1
same("a hunting table, page by page", counted, rows.names())
shell = processes.filter(Process.FileName == "powershell.exe")
same("a filter on it", shell.count(), rows.names()["powershell.exe"])

form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
        "scope": "https://api.securitycenter.microsoft.com/.default"}
granted = requests.post(f"{TLS_URL}/{TENANT}/oauth2/v2.0/token", data=form, timeout=30).json()
session = requests.Session()
session.headers["Authorization"] = f"Bearer {granted['access_token']}"
signed = ODataService(f"{TLS_URL}/api/", reflect_entities=True, quiet_progress=True, session=session)
same("alerts with a token, page by page", len(signed.query(signed.entities["Alerts"]).all()), len(rows.alerts))
nobody = ODataService(f"{TLS_URL}/api/", quiet_progress=True)


class Unsigned(nobody.Entity):
    __odata_type__, __odata_collection__ = "sighthound.Alert", "Alerts"


fails("no token", ODataError, lambda: nobody.query(Unsigned).count(), "HTTP 401")
end(least=50)
