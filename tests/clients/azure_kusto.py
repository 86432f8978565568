"""azure-kusto-data: the SDK of the Kusto protocol; without sign-in, with a token, with the key of an application."""
from datetime import timedelta

import requests
from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.exceptions import KustoApiError, KustoServiceError
from azure.kusto.data.helpers import dataframe_from_result_table
from checks import CLIENT, SECRET, TENANT, TLS_URL, URL, Rows, end, fails, same

rows = Rows()
client = KustoClient(KustoConnectionStringBuilder(URL))


def ask(query, by=client, properties=None):
    return [table.rows_count and [tuple(row) for row in table] or [] for table in
            by.execute("hunting", query, properties).primary_results]


same("a count", ask("DeviceProcessEvents | count"), [[(len(rows.processes),)]])
same("groups", dict(ask("DeviceProcessEvents | summarize count() by FileName")[0]), rows.names())
both = ask("DeviceAlertEvents | take 3; DeviceProcessEvents | take 2")
same("two queries in one text", [len(table) for table in both], [3, 2])
ordered = client.execute("hunting", "DeviceAlertEvents | order by AlertId asc").primary_results[0]
frame = dataframe_from_result_table(ordered)
same("all rows", list(frame["AlertId"]), sorted(rows.alerts))
types = {name: str(frame[name].dtype) for name in ("Timestamp", "AlertId", "ReportId")}
same("types", types, {"Timestamp": "datetime64[ns, UTC]", "AlertId": "object", "ReportId": "Int64"})
of_all = "print b=true, d=dynamic({'a':[1]}), g=guid(74be27de-1e4e-49d9-b579-fe0b331d3642), r=1.5, t=1h, n=long(null)"
typed = client.execute("hunting", of_all).primary_results[0]
told = [column.column_type for column in typed.columns]
same("types of columns", told, ["bool", "dynamic", "guid", "real", "timespan", "long"])
wanted = [True, {"a": [1]}, "74be27de-1e4e-49d9-b579-fe0b331d3642", 1.5, timedelta(hours=1), None]
same("values", list(typed[0]), wanted)

given = ClientRequestProperties()
given.set_parameter("name", "powershell.exe")
declared = "declare query_parameters(name:string); DeviceProcessEvents | where FileName == name | count"
same("a parameter", ask(declared, properties=given), [[(rows.names()["powershell.exe"],)]])
fails("a wrong query", KustoApiError, lambda: ask("DeviceProcessEvents | where nope == 1"), "nope")
streamed = client.execute_streaming_query("hunting", "DeviceAlertEvents | project AlertId")
table = next(streamed.iter_primary_results())
same("a stream", {row["AlertId"] for row in table}, set(rows.alerts))
databases = client.execute_mgmt("NetDefaultDB", ".show databases").primary_results[0]
same("databases", [row["DatabaseName"] for row in databases], ["hunting"])

form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
        "scope": "https://kusto.kusto.windows.net/.default"}
granted = requests.post(f"{TLS_URL}/{TENANT}/oauth2/v2.0/token", data=form, timeout=30).json()
build = KustoConnectionStringBuilder
token = KustoClient(build.with_aad_application_token_authentication(TLS_URL, granted["access_token"]))
same("with a token", ask("DeviceAlertEvents | count", token), [[(len(rows.alerts),)]])
key = KustoClient(build.with_aad_application_key_authentication(TLS_URL, CLIENT, SECRET, TENANT))
same("with the key of an application", ask("DeviceAlertEvents | count", key), [[(len(rows.alerts),)]])
wrong = KustoClient(build.with_aad_application_token_authentication(TLS_URL, granted["access_token"][:-4] + "AAAA"))
fails("a token that was tampered with", KustoServiceError, lambda: ask("DeviceAlertEvents | count", wrong), "401")
end(least=14)
