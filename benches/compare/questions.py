"""The questions, in each engine's own words.

`{alerts}` and `{processes}` stand for the tables, the other names in braces for needles that `needles` takes out of the data
itself, so that no question is about a word that was chosen for it. Each answer is a list of rows; it must be the same from
every engine, in order where the question asks for one.
"""
from dataclasses import dataclass


@dataclass
class Question:
    name: str
    about: str
    kql: str
    duckdb: str
    clickhouse: str
    polars: str
    datafusion: str
    odata: str | None = None
    goal: str = ""
    ordered: bool = False
    # All columns, in whatever order an engine has them, and without those that have nothing in a row.
    whole_rows: bool = False


# A word as `has` cuts it, for engines that only have regular expressions.
EDGE = r"(^|[^a-z0-9]){word}([^a-z0-9]|$)"


def has(word: str) -> str:
    return EDGE.replace("{word}", word)


QUESTIONS = [
    Question(
        "needle", "`has` a rare word in ProcessCommandLine", goal="1/100",
        kql='DeviceProcessEvents | where ProcessCommandLine has "{rare}" | project Timestamp, DeviceId, ProcessCommandLine',
        duckdb="SELECT Timestamp, DeviceId, ProcessCommandLine FROM {processes} WHERE contains(lower(ProcessCommandLine), '{rare}') AND regexp_matches(lower(ProcessCommandLine), '{rare_edge}')",
        clickhouse="SELECT Timestamp, DeviceId, ProcessCommandLine FROM {processes} WHERE hasTokenCaseInsensitive(ProcessCommandLine, '{rare}')",
        polars="{processes}.filter(pl.col('ProcessCommandLine').str.contains('(?i){rare_edge}')).select('Timestamp','DeviceId','ProcessCommandLine')",
        datafusion="SELECT \"Timestamp\", \"DeviceId\", \"ProcessCommandLine\" FROM {processes} WHERE regexp_like(\"ProcessCommandLine\", '(?i){rare_edge}')",
    ),
    Question(
        "needle anywhere", "`contains` the same", goal="1/50",
        kql='DeviceProcessEvents | where ProcessCommandLine contains "{rare}" | project Timestamp, DeviceId, ProcessCommandLine',
        duckdb="SELECT Timestamp, DeviceId, ProcessCommandLine FROM {processes} WHERE ProcessCommandLine ILIKE '%{rare}%'",
        clickhouse="SELECT Timestamp, DeviceId, ProcessCommandLine FROM {processes} WHERE positionCaseInsensitive(ProcessCommandLine, '{rare}') > 0",
        polars="{processes}.filter(pl.col('ProcessCommandLine').str.contains('(?i){rare}')).select('Timestamp','DeviceId','ProcessCommandLine')",
        datafusion="SELECT \"Timestamp\", \"DeviceId\", \"ProcessCommandLine\" FROM {processes} WHERE \"ProcessCommandLine\" ILIKE '%{rare}%'",
    ),
    Question(
        "ten common words", "`has_any` of 10 common words, counted", goal="1/2",
        kql="DeviceProcessEvents | where ProcessCommandLine has_any ({common_kql}) | count",
        duckdb="SELECT count(*) FROM {processes} WHERE regexp_matches(lower(ProcessCommandLine), '{common_edge}')",
        clickhouse="SELECT count() FROM {processes} WHERE match(lower(ProcessCommandLine), '{common_edge}')",
        polars="{processes}.filter(pl.col('ProcessCommandLine').str.contains('(?i){common_edge}')).select(pl.len())",
        datafusion="SELECT count(*) FROM {processes} WHERE regexp_like(\"ProcessCommandLine\", '(?i){common_edge}')",
    ),
    Question(
        "hashes", "SHA1 in 5 values, all columns", goal="1/50", whole_rows=True,
        kql="DeviceProcessEvents | where SHA1 in ({hashes_kql}) | project-away LogonID",  # which no file has: it is made of another
        duckdb="SELECT * FROM {processes} WHERE SHA1 IN ({hashes_sql})",
        clickhouse="SELECT * FROM {processes} WHERE SHA1 IN ({hashes_sql})",
        polars="{processes}.filter(pl.col('SHA1').is_in([{hashes_sql}]))",
        datafusion="SELECT * FROM {processes} WHERE \"SHA1\" IN ({hashes_sql})",
    ),
    Question(
        "host", "URL host needle", goal="1/50",
        kql='DeviceAlertEvents | where RemoteUrl has "{host}" | project Timestamp, AlertId, RemoteUrl',
        duckdb="SELECT Timestamp, AlertId, RemoteUrl FROM {alerts} WHERE contains(lower(RemoteUrl), '{host}') AND regexp_matches(lower(RemoteUrl), '{host_edge}')",
        clickhouse="SELECT Timestamp, AlertId, RemoteUrl FROM {alerts} WHERE positionCaseInsensitive(RemoteUrl, '{host}') > 0 AND match(lower(RemoteUrl), '{host_edge}')",
        polars="{alerts}.filter(pl.col('RemoteUrl').str.contains('(?i){host_edge}')).select('Timestamp','AlertId','RemoteUrl')",
        datafusion="SELECT \"Timestamp\", \"AlertId\", \"RemoteUrl\" FROM {alerts} WHERE regexp_like(\"RemoteUrl\", '(?i){host_edge}')",
    ),
    Question(
        "a day's newest", "severity High in 1 day, newest 100", goal="1/10", ordered=True,
        kql='DeviceAlertEvents | where Timestamp between (datetime({day}) .. datetime({next_day})) and Severity == "High" | top 100 by Timestamp desc | project Timestamp, AlertId, Title',
        duckdb="SELECT Timestamp, AlertId, Title FROM {alerts} WHERE Timestamp BETWEEN TIMESTAMPTZ '{day} 00:00:00+00' AND TIMESTAMPTZ '{next_day} 00:00:00+00' AND Severity = 'High' ORDER BY Timestamp DESC LIMIT 100",
        clickhouse="SELECT Timestamp, AlertId, Title FROM {alerts} WHERE Timestamp BETWEEN toDateTime64('{day}', 6, 'UTC') AND toDateTime64('{next_day}', 6, 'UTC') AND Severity = 'High' ORDER BY Timestamp DESC LIMIT 100",
        polars="{alerts}.filter(pl.col('Timestamp').is_between({day_polars}, {next_day_polars}) & (pl.col('Severity') == 'High')).select('Timestamp','AlertId','Title').top_k(100, by='Timestamp').sort('Timestamp', descending=True)",
        datafusion="SELECT \"Timestamp\", \"AlertId\", \"Title\" FROM {alerts} WHERE \"Timestamp\" BETWEEN TIMESTAMP '{day}T00:00:00Z' AND TIMESTAMP '{next_day}T00:00:00Z' AND \"Severity\" = 'High' ORDER BY \"Timestamp\" DESC LIMIT 100",
    ),
    Question(
        "page", "OData page: severity High, newest first, skip 1000 top 100", goal="1/20", ordered=True,
        kql='DeviceAlertEvents | where Severity == "High" | top 1100 by Timestamp desc | project Timestamp, AlertId, Title',
        odata="/odata/DeviceAlertEvents?$filter=Severity eq 'High'&$orderby=Timestamp desc&$skip=1000&$top=100&$select=Timestamp,AlertId,Title",
        duckdb="SELECT Timestamp, AlertId, Title FROM {alerts} WHERE Severity = 'High' ORDER BY Timestamp DESC LIMIT 100 OFFSET 1000",
        clickhouse="SELECT Timestamp, AlertId, Title FROM {alerts} WHERE Severity = 'High' ORDER BY Timestamp DESC LIMIT 100 OFFSET 1000",
        polars="{alerts}.filter(pl.col('Severity') == 'High').select('Timestamp','AlertId','Title').sort('Timestamp', descending=True).slice(1000, 100)",
        datafusion="SELECT \"Timestamp\", \"AlertId\", \"Title\" FROM {alerts} WHERE \"Severity\" = 'High' ORDER BY \"Timestamp\" DESC LIMIT 100 OFFSET 1000",
    ),
    Question(
        "severities", "count by Severity, Category", goal="1/2",
        kql="DeviceAlertEvents | summarize count() by Severity, Category",
        duckdb="SELECT Severity, Category, count(*) FROM {alerts} GROUP BY ALL",
        clickhouse="SELECT Severity, Category, count() FROM {alerts} GROUP BY Severity, Category",
        polars="{alerts}.group_by('Severity','Category').agg(pl.len())",
        datafusion="SELECT \"Severity\", \"Category\", count(*) FROM {alerts} GROUP BY 1, 2",
    ),
    Question(
        "by the hour", "dcount(DeviceId), count by 1 h, Severity", goal="1/2",
        # The estimates differ from engine to engine, so they are asked for and not shown.
        kql="DeviceAlertEvents | summarize count(), dcount(DeviceId) by bin(Timestamp, 1h), Severity | where dcount_DeviceId > 0 | project-away dcount_DeviceId",
        duckdb="SELECT time_bucket(INTERVAL 1 HOUR, Timestamp), Severity, count(*) FROM {alerts} GROUP BY 1, 2 HAVING approx_count_distinct(DeviceId) > 0",
        clickhouse="SELECT toStartOfHour(Timestamp, 'UTC') AS hour, Severity, count() FROM {alerts} GROUP BY hour, Severity HAVING uniq(DeviceId) > 0",
        polars="{alerts}.group_by(pl.col('Timestamp').dt.truncate('1h'), 'Severity').agg(pl.len(), pl.col('DeviceId').approx_n_unique().alias('d')).filter(pl.col('d') > 0).drop('d')",
        datafusion="SELECT date_trunc('hour', \"Timestamp\"), \"Severity\", count(*) FROM {alerts} GROUP BY 1, 2 HAVING approx_distinct(\"DeviceId\") > 0",
    ),
    Question(
        "within ten minutes", "join on DeviceId within ± 10 minutes", goal="1",
        kql='DeviceAlertEvents | where AlertId in ({some_alerts_kql}) | project AlertId, At = Timestamp, DeviceId | join kind=inner (DeviceProcessEvents | project Timestamp, DeviceId, FileName) on DeviceId | where Timestamp between (At - 10m .. At + 10m) | project AlertId, Timestamp, FileName',
        duckdb="SELECT a.AlertId, p.Timestamp, p.FileName FROM {alerts} a JOIN {processes} p ON a.DeviceId = p.DeviceId AND p.Timestamp BETWEEN a.Timestamp - INTERVAL 10 MINUTE AND a.Timestamp + INTERVAL 10 MINUTE WHERE a.AlertId IN ({some_alerts_sql})",
        clickhouse="SELECT a.AlertId, p.Timestamp, p.FileName FROM {processes} p JOIN (SELECT * FROM {alerts} WHERE AlertId IN ({some_alerts_sql})) a ON a.DeviceId = p.DeviceId WHERE p.Timestamp BETWEEN a.Timestamp - INTERVAL 10 MINUTE AND a.Timestamp + INTERVAL 10 MINUTE",
        polars="{processes}.select('Timestamp','DeviceId','FileName').join({alerts}.filter(pl.col('AlertId').is_in([{some_alerts_sql}])).select('AlertId','DeviceId',At='Timestamp'), on='DeviceId').filter(pl.col('Timestamp').is_between(pl.col('At') - pl.duration(minutes=10), pl.col('At') + pl.duration(minutes=10))).select('AlertId','Timestamp','FileName')",
        datafusion="SELECT a.\"AlertId\", p.\"Timestamp\", p.\"FileName\" FROM {alerts} a JOIN {processes} p ON a.\"DeviceId\" = p.\"DeviceId\" AND p.\"Timestamp\" BETWEEN a.\"Timestamp\" - INTERVAL '10 minutes' AND a.\"Timestamp\" + INTERVAL '10 minutes' WHERE a.\"AlertId\" IN ({some_alerts_sql})",
    ),
    Question(
        "last of each", "arg_max(Timestamp, *) by DeviceId", goal="1/3",
        kql="DeviceAlertEvents | summarize arg_max(Timestamp, *) by DeviceId | summarize count(), max(Timestamp), countif(isnotempty(Title)), countif(isnotempty(RemoteUrl)), sum(strlen(AlertId) + strlen(DeviceName) + strlen(FileName) + strlen(SHA1) + strlen(RemoteIP) + strlen(Table) + strlen(Severity) + strlen(Category))",
        duckdb="SELECT count(*), max(r.Timestamp), count(*) FILTER (r.Title <> ''), count(*) FILTER (r.RemoteUrl <> ''), sum(length(r.AlertId) + length(r.DeviceName) + length(coalesce(r.FileName, '')) + length(coalesce(r.SHA1, '')) + length(coalesce(r.RemoteIP, '')) + length(r.\"Table\") + length(r.Severity) + length(r.Category)) FROM (SELECT arg_max(a, Timestamp) AS r FROM {alerts} a GROUP BY DeviceId)",
        clickhouse="SELECT count(), max(t), countIf(b <> ''), countIf(c <> ''), sum(lengthUTF8(d) + lengthUTF8(e) + lengthUTF8(ifNull(f, '')) + lengthUTF8(ifNull(g, '')) + lengthUTF8(ifNull(h, '')) + lengthUTF8(i) + lengthUTF8(j) + lengthUTF8(k)) FROM (SELECT max(Timestamp) AS t, argMax(tuple(Title, RemoteUrl, AlertId, DeviceName, FileName, SHA1, RemoteIP, Table, Severity, Category), Timestamp) AS r, r.1 AS b, r.2 AS c, r.3 AS d, r.4 AS e, r.5 AS f, r.6 AS g, r.7 AS h, r.8 AS i, r.9 AS j, r.10 AS k FROM {alerts} GROUP BY DeviceId)",
        polars="{alerts}.group_by('DeviceId').agg(pl.all().exclude('DeviceId').get(pl.col('Timestamp').arg_max())).select(pl.len(), pl.col('Timestamp').max(), (pl.col('Title').fill_null('') != '').sum().alias('t'), (pl.col('RemoteUrl').fill_null('') != '').sum().alias('u'), pl.sum_horizontal(*[pl.col(c).fill_null('').str.len_chars().cast(pl.Int64) for c in ('AlertId','DeviceName','FileName','SHA1','RemoteIP','Table','Severity','Category')]).sum().alias('s'))",
        datafusion="SELECT count(*), max(\"Timestamp\"), count(*) FILTER (WHERE \"Title\" <> ''), count(*) FILTER (WHERE \"RemoteUrl\" <> ''), sum(character_length(\"AlertId\") + character_length(\"DeviceName\") + character_length(coalesce(\"FileName\", '')) + character_length(coalesce(\"SHA1\", '')) + character_length(coalesce(\"RemoteIP\", '')) + character_length(\"Table\") + character_length(\"Severity\") + character_length(\"Category\")) FROM (SELECT DISTINCT ON (\"DeviceId\") * FROM {alerts} ORDER BY \"DeviceId\", \"Timestamp\" DESC)",
    ),
    Question(
        "top devices", "top 10 devices", goal="1", ordered=False,
        kql="DeviceProcessEvents | summarize n = count() by DeviceId | sort by n desc, DeviceId asc | take 10 | project DeviceId, n",
        duckdb="SELECT DeviceId, count(*) AS n FROM {processes} GROUP BY 1 ORDER BY n DESC, DeviceId LIMIT 10",
        clickhouse="SELECT DeviceId, count() AS n FROM {processes} GROUP BY DeviceId ORDER BY n DESC, DeviceId LIMIT 10",
        polars="{processes}.group_by('DeviceId').agg(pl.len().alias('n')).sort(['n','DeviceId'], descending=[True, False]).head(10)",
        datafusion="SELECT \"DeviceId\", count(*) AS n FROM {processes} GROUP BY 1 ORDER BY n DESC, \"DeviceId\" LIMIT 10",
    ),
    Question(
        "titles", "Title contains a common word, summarised", goal="1/2",
        kql='DeviceAlertEvents | where Title contains "{title_word}" | summarize count() by Severity, Title',
        duckdb="SELECT Severity, Title, count(*) FROM {alerts} WHERE Title ILIKE '%{title_word}%' GROUP BY ALL",
        clickhouse="SELECT Severity, Title, count() FROM {alerts} WHERE positionCaseInsensitive(Title, '{title_word}') > 0 GROUP BY Severity, Title",
        polars="{alerts}.filter(pl.col('Title').str.contains('(?i){title_word}')).group_by('Severity','Title').agg(pl.len())",
        datafusion="SELECT \"Severity\", \"Title\", count(*) FROM {alerts} WHERE \"Title\" ILIKE '%{title_word}%' GROUP BY 1, 2",
    ),
    Question(
        "encoded commands", "regex `-e(nc…)\\s+[A-Za-z0-9+/=]{20,}`, counted", goal="1/2",
        kql="DeviceProcessEvents | where ProcessCommandLine matches regex @'{encoded}' | count",
        duckdb="SELECT count(*) FROM {processes} WHERE regexp_matches(ProcessCommandLine, '{encoded}')",
        clickhouse="SELECT count() FROM {processes} WHERE match(ProcessCommandLine, '{encoded_sql}')",
        polars="{processes}.filter(pl.col('ProcessCommandLine').str.contains(r'{encoded}')).select(pl.len())",
        datafusion="SELECT count(*) FROM {processes} WHERE regexp_like(\"ProcessCommandLine\", '{encoded}')",
    ),
    Question(
        "techniques", "mv-expand of techniques, counted", goal="2/3",
        kql="DeviceAlertEvents | mv-expand t = parse_json(AttackTechniques) to typeof(string) | where isnotempty(t) | summarize count() by t",
        duckdb="SELECT t, count(*) FROM (SELECT unnest(from_json(AttackTechniques, '[\"VARCHAR\"]')) AS t FROM {alerts} WHERE AttackTechniques <> '') GROUP BY t",
        clickhouse="SELECT arrayJoin(JSONExtract(assumeNotNull(AttackTechniques), 'Array(String)')) AS t, count() FROM {alerts} WHERE AttackTechniques <> '' GROUP BY t",
        polars="{alerts}.filter(pl.col('AttackTechniques').fill_null('') != '').select(t=pl.col('AttackTechniques').str.json_decode(pl.List(pl.String))).explode('t').group_by('t').agg(pl.len())",
        datafusion="",
    ),
]

# What a common word is: it stands in at least one row of a thousand.
COMMON = ["powershell", "cmd", "temp", "users", "system32", "http", "program", "windows", "appdata", "exe"]
ENCODED = r"-e(nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20,}"


def needles(first) -> dict[str, str]:
    """The needles of some data; `first(sql)` gives the first column of what DuckDB answers."""
    quoted = lambda values: ", ".join(f"'{value}'" for value in values)
    kql = lambda values: ", ".join(f'"{value}"' for value in values)
    # A word of eight characters of one row in the middle that has one with digits: an id, a name of a pipe or a file.
    rare = first(
        "SELECT regexp_extract(lower(ProcessCommandLine), '[^a-z0-9]([a-f0-9]{8})([^a-z0-9]|$)', 1) AS word FROM {processes}"
        " WHERE regexp_matches(lower(ProcessCommandLine), '[^a-z0-9][a-f0-9]*[0-9][a-f0-9]*([^a-z0-9]|$)') AND word <> ''"
        " AND word <> 'ffffffff' ORDER BY Timestamp, word LIMIT 1 OFFSET 20011")[0]
    hashes = first("SELECT SHA1 FROM {processes} WHERE SHA1 <> '' GROUP BY SHA1 ORDER BY count(*), SHA1 LIMIT 5")
    some = first("SELECT AlertId FROM {alerts} WHERE Severity = 'High' ORDER BY Timestamp, AlertId LIMIT 20 OFFSET 5000")
    host = first(
        "SELECT regexp_extract(lower(RemoteUrl), '://([^/:]+)', 1) AS host FROM {alerts} WHERE RemoteUrl <> ''"
        " GROUP BY host ORDER BY count(*), host LIMIT 1")[0]
    day = str(first("SELECT CAST(min(Timestamp) AS DATE) + 20 FROM {alerts}")[0])
    next_day = str(first(f"SELECT DATE '{day}' + 1")[0])
    polars_day = lambda text: "pl.datetime({}, {}, {}, time_zone='UTC')".format(*(int(part) for part in text.split("-")))
    escape = lambda text: text.replace(".", "[.]").replace("-", "[-]")
    common_edge = has("(" + "|".join(COMMON) + ")")
    return {
        "rare": rare, "rare_edge": has(rare), "host": host, "host_edge": has(escape(host)),
        "common_kql": kql(COMMON), "common_edge": common_edge,
        "hashes_kql": kql(hashes), "hashes_sql": quoted(hashes),
        "some_alerts_kql": kql(some), "some_alerts_sql": quoted(some),
        "day": day, "next_day": next_day, "day_polars": polars_day(day), "next_day_polars": polars_day(next_day),
        "title_word": "suspicious",
        "encoded": ENCODED, "encoded_sql": ENCODED.replace("\\", "\\\\"),
    }
