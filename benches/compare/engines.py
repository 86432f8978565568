"""The engines: each runs in a process of its own that reads a question a line and answers with what it cost.

A worker prints, for each question, one line of JSON: the rows in a form that can be compared, CPU seconds of the process, peak
memory and bytes read. Times are those of the process as the kernel counts them.
"""
import glob
import json
import os
import sys
import time

THREADS = 2


def normal(value):
    """A value in a form that is the same from every engine: times as whole microseconds."""
    import datetime

    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return (value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    return value


class DuckDB:
    def __init__(self, tables):
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'")
        for name, files in tables.items():
            hive = "true" if "date=" in files[0] else "false"
            self.connection.execute(
                f"CREATE VIEW {name} AS SELECT * {'EXCLUDE (date)' if hive == 'true' else ''} FROM read_parquet({files!r}, hive_partitioning = {hive})")

    def ask(self, text):
        return self.connection.execute(text).fetchall()


class ClickHouse:
    def __init__(self, tables):
        from chdb import session

        self.session = session.Session()
        self.tables = tables

    def ask(self, text):
        for name, files in self.tables.items():
            folder = os.path.commonpath(files)
            pattern = folder + ("/**/*.parquet" if os.path.isdir(folder) else "")
            text = text.replace(f"${name}$", f"file('{pattern}', Parquet)")
        settings = f" SETTINGS max_threads = {THREADS}, use_hive_partitioning = 0, session_timezone = 'UTC', output_format_json_quote_64bit_integers = 0, join_algorithm = 'hash'"
        data = self.session.query(text + settings, "JSONCompactEachRow").bytes()
        return [json.loads(line) for line in data.decode().splitlines()]


class Polars:
    def __init__(self, tables):
        os.environ["POLARS_MAX_THREADS"] = str(THREADS)
        import polars as pl

        self.pl = pl
        self.frames = {name: pl.scan_parquet(files, hive_partitioning=False, low_memory=False) for name, files in tables.items()}

    def ask(self, text):
        frame = eval(text, {"pl": self.pl, **self.frames})  # the questions are this folder's own
        return frame.collect(engine="streaming").rows()


class DataFusion:
    def __init__(self, tables):
        import datafusion

        config = datafusion.SessionConfig().with_target_partitions(THREADS)
        config = config.set("datafusion.execution.parquet.pushdown_filters", "true")
        self.context = datafusion.SessionContext(config)
        for name, files in tables.items():
            folder = os.path.commonpath(files)
            self.context.register_parquet(name, folder if os.path.isdir(folder) else folder, file_extension=".parquet")

    def ask(self, text):
        rows = []
        for batch in self.context.sql(text).collect():
            rows.extend(zip(*(column.to_pylist() for column in batch.columns)))
        return rows


ENGINES = {"duckdb": DuckDB, "clickhouse": ClickHouse, "polars": Polars, "datafusion": DataFusion}


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_bytes(pid):
    lines = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
    return int(lines["VmHWM"].split()[0]) * 1024


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def bytes_read(pid):
    return int(dict(line.split(": ") for line in open(f"/proc/{pid}/io"))["rchar"])


def measured(pid, ask, least=0.3, most=40):
    """The answer and its cost, asked so often that the kernel's clock can tell it."""
    reset_peak(pid)
    before, read, began, times = cpu_seconds(pid), bytes_read(pid), time.perf_counter(), 0
    while times < most and (times == 0 or cpu_seconds(pid) - before < least):
        rows = ask()
        times += 1
    return {
        "rows": rows, "cpu": (cpu_seconds(pid) - before) / times, "elapsed": (time.perf_counter() - began) / times,
        "peak": peak_bytes(pid), "read": (bytes_read(pid) - read) / times,
    }


def main():
    name, tables = sys.argv[1], json.loads(sys.argv[2])
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    engine = ENGINES[name]({table: sorted(glob.glob(pattern, recursive=True)) for table, pattern in tables.items()})
    for line in sys.stdin:
        try:
            answer = measured(os.getpid(), lambda: engine.ask(json.loads(line)))
            answer["rows"] = [[normal(value) for value in row] for row in answer["rows"]]
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
