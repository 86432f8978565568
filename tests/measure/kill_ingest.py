#!/usr/bin/env python3
"""Kills an ingestion at random moments and counts: every acknowledged row once, none twice.

    tests/measure/kill_ingest.py --binary target/release/sighthound [--times 20] [--files 40] [--rows 20000]

Makes a folder of exports and ingests them one process a file, so that an exit is the acknowledgement; kills some of the
processes on the way and sends their files again, until all is in. After each kill the store must be readable, hold no row twice, and hold every file that was acknowledged before.
Standard library only.
"""
import argparse, json, os, random, signal, subprocess, sys, tempfile, time


def run(binary, *args):
    done = subprocess.run([binary, *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(args)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def counts(binary, store):
    text = "DeviceProcessEvents | summarize n = count(), keys = count_distinct(strcat(DeviceId, ReportId, Timestamp, ProcessId, SHA1))"
    row = json.loads(run(binary, "query", "--store", store, "--format", "ndjson", text).strip().splitlines()[0])
    return row["n"], row["keys"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default="target/release/sighthound")
    p.add_argument("--times", type=int, default=20)
    p.add_argument("--files", type=int, default=40)
    p.add_argument("--rows", type=int, default=20000)
    p.add_argument("--seed", type=int, default=7)
    a = p.parse_args()
    random.seed(a.seed)
    with tempfile.TemporaryDirectory() as work:
        files, keys = [], []
        for n in range(a.files):
            folder = os.path.join(work, f"export-{n}")
            run(a.binary, "generate", "--alerts", "0", "--processes", str(a.rows), "--days", "3", "--seed", str(n + 1), "--format", "jsonl", "--out", folder)
            files.append(os.path.join(folder, "DeviceProcessEvents.jsonl"))
        store = os.path.join(work, "store")
        acknowledged, kills, files_left = 0, 0, list(files)
        took = None
        while files_left:
            # One process a file, so that its exit is the acknowledgement; the killed ones are sent again.
            begun = time.time()
            process = subprocess.Popen([a.binary, "ingest", "--store", store, files_left[0]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=work)
            if kills < a.times and took is not None and random.random() < 0.7:
                time.sleep(random.uniform(0, took * 1.1))
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    kills += 1
                    process.wait()
            code = process.wait()
            if code == 0:
                took = took or time.time() - begun
                acknowledged += 1
                files_left.pop(0)
            if code == 0 or code == -signal.SIGKILL:
                if os.path.isdir(store) and acknowledged:
                    n, distinct = counts(a.binary, store)
                    if n != distinct:
                        sys.exit(f"{n - distinct} rows twice after {kills} kills")
                    if n not in (acknowledged * a.rows, (acknowledged + 1) * a.rows):
                        sys.exit(f"{n} rows after {acknowledged} acknowledged files of {a.rows}")
            else:
                sys.exit(f"ingest: exit {code}")
        n, distinct = counts(a.binary, store)
        print(f"{kills} kills, {a.files} files: {n} rows, {distinct} different, {a.files * a.rows} wanted")
        sys.exit(not (n == distinct == a.files * a.rows))


if __name__ == "__main__":
    main()
