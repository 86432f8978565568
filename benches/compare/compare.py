#!/usr/bin/env python3
"""Sighthound beside DuckDB, ClickHouse (chDB), Polars and plain DataFusion: the same questions, the same rows, CPU seconds.

    python3 -m venv .venv && .venv/bin/pip install duckdb chdb polars datafusion pyarrow pytz
    .venv/bin/python benches/compare/compare.py --binary target/release/sighthound --small      # 2 minutes
    .venv/bin/python benches/compare/compare.py --binary target/release/sighthound              # 10 and 20 million rows

Makes the rows once into the folder of --data, writes them again as DuckDB likes them best (one folder a table, zstd, sorted by
time), and asks every question of every engine in turns, over both. A peer's figure is the better of the two. Answers must be
equal. Two threads each.
"""
import argparse
import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import engines
from questions import QUESTIONS, needles

TABLES = {"alerts": "DeviceAlertEvents", "processes": "DeviceProcessEvents"}


class Worker:
    def __init__(self, name, tables):
        self.name, self.tables = name, tables
        command = [sys.executable, str(Path(__file__).parent / "engines.py"), name, json.dumps(tables)]
        env = {**os.environ, "POLARS_MAX_THREADS": str(engines.THREADS), "TZ": "UTC"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)

    def ask(self, text):
        self.process.stdin.write(json.dumps(text) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the engine died"}

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Sighthound:
    def __init__(self, binary, store, port):
        self.port = port
        env = {**os.environ, "TOKIO_WORKER_THREADS": str(engines.THREADS)}
        # Rows of alerts in memory serve the doors of alerts, of which no question is asked here.
        command = [binary, "--store", store, "serve", "--listen", f"127.0.0.1:{port}", "--held-megabytes", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=env)
        for _ in range(200):
            try:
                self.request("GET", "/odata")
                break
            except OSError:
                time.sleep(0.1)

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, urllib.parse.quote(path, safe="/?&=$,:()'"), body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise ValueError(f"{response.status}: {data[:400]!r}")
        return json.loads(data)

    def ask(self, question, values):
        pid = self.process.pid
        try:
            if question.odata:
                answer = engines.measured(pid, lambda: self.request("GET", filled(question.odata, values)))
                rows = [[value for key, value in row.items() if not key.startswith("@")] for row in answer["rows"]["value"]]
            else:
                body = json.dumps({"db": "NetDefaultDB", "csl": "set notruncation; " + filled(question.kql, values)})
                answer = engines.measured(pid, lambda: self.request("POST", "/v1/rest/query", body))
                rows = answer["rows"]["Tables"][0]["Rows"]
            answer["rows"] = [[moment(value) for value in row] for row in rows]
            return answer
        except (ValueError, OSError) as error:
            return {"error": str(error)}

    def stop(self):
        self.process.terminate()
        self.process.wait()


def moment(value):
    """Times of the JSON answers as whole microseconds, as the workers give them."""
    import datetime

    if isinstance(value, str) and len(value) >= 20 and value[4:5] == "-" and value[10:11] == "T" and value.endswith("Z"):
        whole, _, part = value[:-1].partition(".")
        at = datetime.datetime.fromisoformat(whole + "+00:00")
        return int(at.timestamp()) * 1_000_000 + int((part + "000000")[:6])
    return engines.normal(value)


def filled(text, values, tables=None):
    for name, value in {**values, **(tables or {})}.items():
        text = text.replace("{" + name + "}", value)
    return text


def comparable(rows, question):
    """Floats to nine digits, rows in any order unless the question asks for one."""
    cells = [[f"{value:.9g}" if isinstance(value, float) else str(clickhouse_time(value)) for value in row] for row in rows]
    if question.whole_rows:
        cells = [sorted(filter(None, row)) for row in cells]
    return cells if question.ordered else sorted(cells)


def difference(one, other, question):
    """The first difference of two answers; nothing where they are equal."""
    if len(one) != len(other):
        return f"{len(other)} rows, ours {len(one)}"
    for ours, theirs in zip(comparable(one, question), comparable(other, question)):
        if ours != theirs:
            cells = [pair for pair in zip(theirs, ours) if pair[0] != pair[1]] or [(len(theirs), len(ours))]
            return f"{cells[0][0]!r} beside our {cells[0][1]!r}"
    return None


def clickhouse_time(value):
    if isinstance(value, str) and len(value) in (19, 26, 29) and value[4:5] == "-" and value[10:11] == " ":
        return moment(value.replace(" ", "T") + "Z")
    return value


def prepare(arguments):
    store, theirs = arguments.data / "store", arguments.data / "theirs"
    if not store.exists():
        command = [arguments.binary, "--store", str(store), "generate", "--alerts", str(arguments.alerts), "--processes", str(arguments.processes)]
        subprocess.run([*command, "--days", "30", "--seed", str(arguments.seed)], check=True)
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {engines.THREADS}; SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
    for short, table in TABLES.items():
        target = theirs / short
        ours = f"read_parquet('{store}/{table}/date=*/*.parquet', hive_partitioning = true)"
        if not target.exists():
            target.mkdir(parents=True)
            connection.execute(f"COPY (SELECT * EXCLUDE (date) FROM {ours} ORDER BY Timestamp) TO '{target}/all.parquet' (FORMAT parquet, COMPRESSION zstd)")
        connection.execute(f"CREATE VIEW {short} AS SELECT * EXCLUDE (date) FROM {ours}")
    first = lambda sql: [row[0] for row in connection.execute(filled(sql, {name: name for name in TABLES})).fetchall()]
    return store, theirs, needles(first)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/sighthound", help="the release build")
    parser.add_argument("--data", type=Path, default=Path("compare-data"), help="where the rows are kept")
    parser.add_argument("--small", action="store_true", help="1 and 2 million rows")
    parser.add_argument("--alerts", type=int, default=10_000_000)
    parser.add_argument("--processes", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2, help="how often each question is asked of each engine; the least counts")
    parser.add_argument("--engines", default="duckdb,clickhouse,polars,datafusion")
    parser.add_argument("--only", help="names of questions, with commas")
    parser.add_argument("--port", type=int, default=18099)
    arguments = parser.parse_args()
    if arguments.small:
        arguments.alerts, arguments.processes = 1_000_000, 2_000_000
        arguments.data = arguments.data / "small"
    arguments.data.mkdir(parents=True, exist_ok=True)
    store, theirs, values = prepare(arguments)
    layouts = {
        "ours": {short: f"{store}/{table}/date=*/*.parquet" for short, table in TABLES.items()},
        "theirs": {short: f"{theirs}/{short}/*.parquet" for short in TABLES},
    }
    names = [name for name in arguments.engines.split(",") if name]
    workers = {(name, layout): Worker(name, tables) for name in names for layout, tables in layouts.items()}
    us = Sighthound(arguments.binary, str(store), arguments.port)
    wanted = [question for question in QUESTIONS if not arguments.only or question.name in arguments.only.split(",")]
    texts = {"clickhouse": {name: f"${name}$" for name in TABLES}}
    print(f"| question | Sighthound CPU s | best peer CPU s | ratio | goal | peak MB, us / peer | read MB, us / peer |\n|---|---|---|---|---|---|---|")
    wrong = 0
    for question in wanted:
        best, faults = {}, []
        for _ in range(arguments.rounds):
            asked = {"sighthound": us.ask(question, values)}
            for (name, layout), worker in workers.items():
                text = getattr(question, name)
                if text:
                    asked[f"{name}, {layout} files"] = worker.ask(filled(text, values, texts.get(name, {table: table for table in TABLES})))
            for who, answer in asked.items():
                if "error" in answer:
                    faults.append(f"{who}: {answer['error'][:200]}")
                elif who not in best or answer["cpu"] < best[who]["cpu"]:
                    best[who] = answer
        ours = best.pop("sighthound", None)
        if ours is None:
            print(f"| {question.about} | failed | | | {question.goal} | | |")
            print("\n".join(sorted(set(faults))), file=sys.stderr)
            wrong += 1
            continue
        for who, answer in list(best.items()):
            unequal = difference(ours["rows"], answer["rows"], question)
            if unequal:
                faults.append(f"{who}: {unequal}")
                wrong += 1
                del best[who]
        who, peer = min(best.items(), key=lambda item: item[1]["cpu"], default=("none", None))
        if peer:
            mega = lambda answer, key: f"{answer[key] / 1e6:,.0f}"
            print(
                f"| {question.about} | {ours['cpu']:.4f} | {peer['cpu']:.3f} ({who}) | {ours['cpu'] / peer['cpu']:.3f} | {question.goal}"
                f" | {mega(ours, 'peak')} / {mega(peer, 'peak')} | {mega(ours, 'read')} / {mega(peer, 'read')} |", flush=True)
        if faults:
            print(f"  {question.name}: " + "\n    ".join(sorted(set(faults))), file=sys.stderr, flush=True)
    us.stop()
    for worker in workers.values():
        worker.stop()
    print(f"{wrong} answers differ", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
