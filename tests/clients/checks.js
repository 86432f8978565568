// What every script checks with, and what the store has: read from the rows that it was made of, not from the server.
const { readFileSync } = require('node:fs');
const { isDeepStrictEqual, inspect } = require('node:util');

let done = 0, failed = 0;

function same(what, got, wanted) {
  done += 1;
  if (isDeepStrictEqual(got, wanted)) return;
  failed += 1;
  const short = (value) => inspect(value, { depth: 4, maxArrayLength: 8 }).slice(0, 400);
  console.log(`FAILED ${what}\n  wanted ${short(wanted)}\n  got    ${short(got)}`);
}

/** The call fails, and what it fails with has the words. */
async function fails(what, call, words) {
  const said = await call().then((value) => `no failure but ${inspect(value)}`, (error) => error.message ?? inspect(error));
  same(`${what}: ${said}`.slice(0, 300), said.includes(words) && !said.startsWith('no failure'), true);
}

/** A script that stopped half way has not passed. */
function run(script, least) {
  script().then(() => {
    if (done < least) same('checks made, at least', done, least);
    console.log(`${done} checks, ${failed} failed`);
    process.exitCode = failed ? 1 : 0;
  }, (error) => {
    console.log(error);
    process.exitCode = 1;
  });
}

function table(name) {
  const lines = readFileSync(`${process.env.SIGHTHOUND_ROWS}/${name}.jsonl`, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line).properties);
}

/** Rows of DeviceAlertEvents, newest first: one of each id. */
const alerts = table('DeviceAlertEvents').sort((a, b) => (a.Timestamp < b.Timestamp ? 1 : -1));
const ids = (such) => alerts.filter(such).map((row) => row.AlertId).sort();

function counted(column) {
  const counts = {};
  for (const row of alerts) counts[row[column]] = (counts[row[column]] ?? 0) + 1;
  return counts;
}

const { SIGHTHOUND_URL: url, SIGHTHOUND_TLS_URL: tlsUrl, SIGHTHOUND_CLIENT: client, SIGHTHOUND_SECRET: secret,
  SIGHTHOUND_TENANT: tenant } = process.env;
module.exports = { same, fails, run, table, alerts, ids, counted, url, tlsUrl, client, secret, tenant };
