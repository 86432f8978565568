// o.js (npm: odata): plain requests, links to next pages, changes, `$batch`; without sign-in and with a token.
const { same, fails, run, alerts, ids, counted, url, tlsUrl, client, secret, tenant } = require('./checks.js');
const { o } = require('odata');

run(async () => {
  const api = () => o(`${url}/api/`);
  const high = ids((row) => row.Severity === 'High');
  same('a filter', (await api().get('alerts').query({ $filter: "severity eq 'High'", $top: 10000 })).map((alert) => alert.id).sort(), high);
  same('top and order', (await api().get('alerts').query({ $top: 2, $orderby: 'alertCreationTime asc', $select: 'id' })),
    alerts.slice(-2).reverse().map((row) => ({ id: row.AlertId })));
  same('a number', Number(await api().get('alerts/$count').query({ $filter: "severity eq 'High'" })), high.length);
  const newest = alerts[0];
  const one = await api().get(`alerts('${newest.AlertId}')`).query({ $expand: 'evidence' });
  same('one by its key', [one.id, one.title, one.evidence.length > 0], [newest.AlertId, newest.Title, true]);
  same('what is related to it', (await api().get(`alerts('${newest.AlertId}')/machine`).query()).computerDnsName, newest.DeviceName);
  const groups = await api().get('alerts').query({ $apply: 'groupby((severity),aggregate($count as n))' });
  same('groups', Object.fromEntries(groups.map((group) => [group.severity, group.n])), counted('Severity'));
  const counting = await (await api().get('alerts').fetch({ $count: true, $top: 1 })).json();
  same('a count beside the page', [counting['@odata.count'], counting.value.length], [alerts.length, 1]);

  const paged = (at, headers) => o(at, { headers: { Prefer: 'odata.maxpagesize=3000', ...headers } });
  const walked = [];
  let pages = 0;
  for (let link = `${url}/api/alerts?$select=id&$orderby=severity`; link; pages += 1) {
    const page = await (await paged(link).get('').fetch()).json();
    walked.push(...page.value.map((alert) => alert.id));
    link = page['@odata.nextLink'];
  }
  same('pages', pages, Math.ceil(alerts.length / 3000));
  same('each alert once', walked.sort(), ids(() => true));

  const noted = await api().patch(`alerts('${newest.AlertId}')`, { determination: 'Malware', classification: 'TruePositive' }).query();
  same('a change', [noted.id, noted.determination, noted.classification], [newest.AlertId, 'Malware', 'TruePositive']);
  const after = await api().get('alerts').query({ $filter: "determination eq 'Malware'", $select: 'id' });
  same('after it', after, [{ id: newest.AlertId }]);
  const status = (call) => call().then(() => 'no failure', (answer) => answer.status);
  same('a property that is not there', await status(() => api().get('alerts').query({ $filter: 'nope eq 1' })), 400);
  same('a key that is not there', await status(() => api().get("alerts('da0_0')").query()), 404);

  const [first, second] = alerts.slice(1, 3).map((row) => row.AlertId);
  const batched = await api().get(`alerts('${first}')`).get(`alerts('${second}')`).batch();
  same('a batch', batched.map((answer) => [answer.contentId, answer.status, answer.body.id]),
    [[1, 200, first], [2, 200, second]]);

  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: client, client_secret: secret,
    scope: 'https://api.securitycenter.microsoft.com/.default' });
  const granted = await (await fetch(`${tlsUrl}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body: form })).json();
  const signed = o(`${tlsUrl}/api/`, { headers: { Authorization: `Bearer ${granted.access_token}` } });
  same('with a token', Number(await signed.get('alerts/$count').query()), alerts.length);
  same('without', await status(() => o(`${tlsUrl}/api/`).get('alerts').query({ $top: 1 })), 401);
}, 16);
