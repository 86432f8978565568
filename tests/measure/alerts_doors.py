#!/usr/bin/env python3
"""The five commonest requests of clients of alerts, by many clients at once: how long each takes, and how many a second.

    cargo build --release
    target/release/sighthound generate --alerts 10000000 --store STORE
    python3 tests/measure/alerts_doors.py --store STORE

Starts a server over the store (it is only read), waits until the rows are in memory, asks each of the requests with one
client, then with --clients at once, and prints a table. Devices, ids and times are those of alerts that are there, another one
for each request.
"""
import argparse
import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HUNT = """DeviceAlertEvents
| where Timestamp > datetime({day}) and Severity == "High"
| summarize Alerts = count(), Devices = dcount(DeviceId) by Title
| top 10 by Alerts"""


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def ask(self, path, body=None):
        text = urllib.parse.quote(path, safe="/?&=$'(),:;")
        headers = {"Content-Type": "application/json"} if body else {}
        began = time.perf_counter()
        self.connection.request("POST" if body else "GET", text, body, headers)
        response = self.connection.getresponse()
        answer = response.read()
        took = time.perf_counter() - began
        if response.status != 200:
            sys.exit(f"{path}: {response.status} {answer[:300]!r}")
        return took, answer

    def alerts(self, path):
        return json.loads(self.ask(path)[1])["value"]


def requests(client):
    """Each a name, and what gives the next request of that kind."""
    newest = client.alerts("/api/alerts?$top=1&$select=id,alertCreationTime,lastUpdateTime")[0]
    day = newest["alertCreationTime"][:10]
    some = client.alerts("/api/alerts?$top=2000&$select=id,machineId")
    last = max(one["lastUpdateTime"] for one in client.alerts("/api/alerts?$top=2000&$select=lastUpdateTime"))
    hunt = json.dumps({"Query": HUNT.format(day=day)})
    high = "/api/alerts?$filter=severity eq 'High'&$orderby=alertCreationTime desc&$top=100"
    return [
        ("newest 100 High", lambda: (high, None)),
        ("poll of lastUpdateTime", lambda: (f"/api/alerts?$filter=lastUpdateTime gt {last}", None)),
        ("alert by id", lambda: (f"/api/alerts/{random.choice(some)['id']}", None)),
        ("alerts of a machine", lambda: (f"/api/machines/{random.choice(some)['machineId']}/alerts", None)),
        ("hunting query", lambda: ("/api/advancedqueries/run", hunt)),
    ]


def measured(port, clients, seconds, make):
    """Times of all requests of so many clients, and how long it went on."""
    times, until = [], time.perf_counter() + seconds

    def work():
        client, own = Client(port), []
        while time.perf_counter() < until:
            own.append(client.ask(*make())[0])
        times.extend(own)

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(times), time.perf_counter() - began


def row(name, clients, times, took):
    at = lambda share: 1000 * times[min(len(times) - 1, int(len(times) * share))]
    print(f"| {name:<24} | {clients:>7} | {at(0.5):>8.1f} | {at(0.99):>8.1f} | {len(times) / took:>10.1f} |", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default="target/release/sighthound")
    arguments.add_argument("--store", required=True)
    arguments.add_argument("--clients", type=int, default=32)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--port", type=int, default=18090)
    given = arguments.parse_args()
    log = tempfile.NamedTemporaryFile("r")
    quotas = [flag for name in ("alerts-per-minute", "alerts-per-hour", "hunting-per-minute", "hunting-per-hour") for flag in (f"--{name}", "0")]
    quotas += ["--hunting-seconds-per-hour", "0", "--hunting-seconds-per-day", "0"]
    command = [given.binary, "--store", given.store, "serve", "--listen", f"127.0.0.1:{given.port}", *quotas]
    server = subprocess.Popen(command, stderr=open(log.name, "w"))
    try:
        began = time.time()
        while "rows are in memory" not in log.read():
            if server.poll() is not None or time.time() - began > 600:
                sys.exit("the server has not taken rows into memory")
            time.sleep(0.2)
        print(f"rows in memory after {time.time() - began:.0f} s\n")
        kinds = requests(Client(given.port))
        print("| request                  | clients | p50 (ms) | p99 (ms) | per second |")
        print("|---|---|---|---|---|")
        for name, make in kinds:
            for clients in (1, given.clients):
                measured(given.port, clients, 0.5, make)
                row(name, clients, *measured(given.port, clients, given.seconds, make))
    finally:
        server.kill()


if __name__ == "__main__":
    main()
