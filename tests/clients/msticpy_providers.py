"""msticpy: its providers of Defender (MDE, M365D), Graph (M365DGraph) and Kusto, signing in as they do; then every query
for Defender that comes with it."""
import logging
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import httpx
import pandas
from checks import CLIENT, SECRET, TENANT, URL, Rows, end, fails, holds, same
from msticpy.common.exceptions import MsticpyConnectionError, MsticpyDataQueryError
from msticpy.data import QueryProvider

rows = Rows()
by_name = rows.names()
of_all = """DeviceProcessEvents
| summarize n=count(), latest=max(Timestamp), share=avg(1.5) by FileName
| order by FileName asc"""
TYPES = ["object", "int64", "datetime64[ns, utc]", "float64"]
name, device, ids = rows.busiest()
connection = f"tenant_id={TENANT};client_id={CLIENT};client_secret={SECRET}"
providers = {}
for environment in ("MDE", "M365D", "M365DGraph", "Kusto"):
    provider = providers[environment] = QueryProvider(environment)
    if environment == "Kusto":
        provider.connect(connection_str=URL, database="hunting")
        ask, refusal = lambda query, p=provider: p.exec_query(query, database="hunting"), MsticpyDataQueryError
    else:
        provider.connect(connection)
        ask, refusal = provider.exec_query, httpx.HTTPStatusError
    frame = ask(of_all)
    holds(f"{environment}: a frame", isinstance(frame, pandas.DataFrame))
    same(f"{environment}: columns", list(frame.columns), ["FileName", "n", "latest", "share"])
    same(f"{environment}: types", [str(kind).lower() for kind in frame.dtypes], TYPES)
    same(f"{environment}: counts", dict(zip(frame["FileName"], frame["n"])), by_name)
    latest = {one: max(row["Timestamp"] for row in rows.processes if row["FileName"] == one)[:26] for one in by_name}
    told = {one: f"{time:%Y-%m-%dT%H:%M:%S.%f}" for one, time in zip(frame["FileName"], frame["latest"])}
    same(f"{environment}: times", told, latest)
    whole = ask("DeviceAlertEvents | project AlertId, Timestamp, Severity")
    same(f"{environment}: all rows", set(whole["AlertId"]), set(rows.alerts))
    same(f"{environment}: none", len(ask("DeviceProcessEvents | where FileName == 'nope' | project FileName")), 0)
    fails(f"{environment}: a wrong query", refusal, lambda: ask("DeviceProcessEvents | where nope == 1"), "")
fails("a wrong secret", MsticpyConnectionError, lambda: QueryProvider("MDE").connect(connection + "x"), "is not its secret")
kusto = providers["Kusto"]._query_provider
same("databases", kusto.get_database_names(), ["hunting"])
schema = kusto.get_database_schema("hunting")
same("the schema of a table", schema["DeviceProcessEvents"]["Timestamp"], "DateTime")

mde = providers["MDE"]
span = {"start": "2025-06-01", "end": "2025-07-02"}
listed = mde.MDE.list_alerts(**span)
same("the query of alerts", len(listed), len(rows.alerts))
processes = [row for row in rows.processes if row["DeviceName"] == name]
listed = mde.MDE.list_host_processes(host_name=name, **span)
same("the query of a device's processes", len(listed), len(processes))

# Each of its queries is asked with any words where it wants some. What is refused here is refused by the service, too.
COMMENTED = ["accessibility_persistence", "av_sites", "doc_with_link", "email_link", "network_scans", "smartscreen_ignored",
             "uncommon_powershell"]
HUNTING = ("MDEHunting", "M365DHunting")
REFUSED = {f"{kind}.{one}": "the text has no query" for kind in HUNTING for one in COMMENTED}
REFUSED |= {f"{kind}.email_smartscreen": "found the end" for kind in HUNTING}
REFUSED |= {f"{kind}.list_file_events_for_host": "`DeviceID`" for kind in ("MDE", "M365D", "MDATP")}
REFUSED |= {"M365D.host_alerts": "`TenantId1`", "M365D.sha1_alerts": "`SHA1`"}
GIVEN = {"list": ["a", "b"], "int": 1}
ran, refused = 0, {}
for query in mde.list_queries():
    source = mde.query_store.get_query(query)
    wanted = [one for one, told in source.params.items() if one in source.required_params or "default" not in told]
    words = {one: GIVEN.get(source.params[one].get("type"), "1") for one in wanted}
    ask = mde
    for part in query.split("."):
        ask = getattr(ask, part)
    text = ask("print", **{**words, **span})
    driver = mde._query_provider
    to, headers = f"{driver.request_uri}/advancedqueries/run", driver.req_headers
    answer = httpx.post(to, json={"Query": text}, headers=headers, timeout=120)
    ran += 1
    if answer.status_code != 200:
        refused[query] = answer.json()["error"]["message"]
same("its queries", ran, 125)
unlike = {query: said for query, said in refused.items() if REFUSED.get(query, "\0") not in said}
same("what is refused, and why", unlike, {})
same("and nothing else", set(REFUSED), set(refused))
end(least=40)
