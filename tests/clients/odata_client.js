// @odata/client: filters, parameters, keys, changes, `$apply`, `$batch`; without sign-in and with its own client credentials.
const { same, fails, run, alerts, ids, counted, url, tlsUrl, client, secret, tenant } = require('./checks.js');
const { OData, EdmV4 } = require('@odata/client');

run(async () => {
  const service = OData.New4({ serviceEndpoint: `${url}/api/` });
  const set = service.getEntitySet('alerts');
  const found = async (options) => (await set.query(options)).map((alert) => alert.id);
  const filter = () => OData.newFilter();
  const options = () => OData.newOptions();

  same('count', await set.count(), alerts.length);
  same('count of some', await set.count(filter().field('severity').eq('High')), ids((row) => row.Severity === 'High').length);
  same('the first page', (await set.query()).length, Math.min(alerts.length, 10000));
  const rest = await found(options().skip(10000));
  same('the rest', rest, alerts.slice(10000).map((row) => row.AlertId));
  same('order, top, skip, select', await set.query(options().orderby('alertCreationTime', 'asc').top(2).skip(1).select(['id', 'severity'])),
    alerts.slice(-3, -1).reverse().map((row) => ({ id: row.AlertId, severity: row.Severity })));
  same('two conditions', (await found(filter().field('severity').eq('High').field('category').eq('Ransomware'))).sort(),
    ids((row) => row.Severity === 'High' && row.Category === 'Ransomware'));
  same('one of a list', (await found(filter().field('category').in(['Ransomware', 'CredentialAccess']))).sort(),
    ids((row) => ['Ransomware', 'CredentialAccess'].includes(row.Category)));
  const [from, to] = [new Date('2025-06-10T00:00:00Z'), new Date('2025-06-12T00:00:00Z')];
  const between = filter().field('alertCreationTime').between(EdmV4.DateTimeOffset.from(from), EdmV4.DateTimeOffset.from(to));
  same('between times', (await found(between)).sort(), ids((row) => row.Timestamp >= '2025-06-10' && row.Timestamp < '2025-06-12'));
  same('find', (await set.find({ severity: 'High', category: 'Ransomware' })).map((alert) => alert.id).sort(),
    ids((row) => row.Severity === 'High' && row.Category === 'Ransomware'));
  const title = alerts.find((row) => row.Title.startsWith('Suspicious')).Title;
  const searched = await found(options().search(`"${title}"`, false).top(10000));
  same('search', ids((row) => row.Title === title).every((id) => searched.includes(id)), true);

  const newest = alerts[0];
  const one = await set.retrieve(newest.AlertId, options().expand('evidence'));
  same('one by its key', [one.id, one.title, one.machineId], [newest.AlertId, newest.Title, newest.DeviceId]);
  same('with its evidence', one.evidence.length > 0, true);
  same('a key as an object', (await set.retrieve({ id: newest.AlertId })).id, newest.AlertId);
  same('without', (await set.retrieve(newest.AlertId)).evidence, []);
  await set.update(newest.AlertId, { status: 'InProgress', comment: 'seen by a client' });
  const changed = await set.retrieve(newest.AlertId);
  same('after a change', [changed.status, changed.comments.map((note) => note.comment)], ['InProgress', ['seen by a client']]);
  const others = alerts.slice(1, 3).map((row) => row.AlertId);
  await service.actionImport('alerts/batchUpdate', { alertIds: others, status: 'Resolved', assignedTo: 'many@contoso.example' });
  same('after a change of many', (await found(filter().field('assignedTo').eq('many@contoso.example'))).sort(), others.sort());

  const grouped = OData.newTransformation().groupBy(['severity'], OData.newTransformation().aggregate('$count as n'));
  const groups = await set.query(options().apply(grouped));
  same('groups', Object.fromEntries(groups.map((group) => [group.severity, group.n])), counted('Severity'));
  await fails('a property that is not there', () => set.query(filter().field('nope').eq(1)), 'no property `nope`');
  await fails('a key that is not there', () => set.retrieve('da0_0'), 'da0_0');
  await fails('a status that is none', () => set.update(newest.AlertId, { status: 'Nonsense' }), '`status` is one of');

  const request = (id) => service.newBatchRequest({ collection: 'alerts', id, method: 'GET' });
  for (const batch of ['execBatchRequests', 'execBatchRequestsJson']) {
    const answers = await service[batch]([request(others[0]), request(others[1])]);
    const keys = await Promise.all(answers.map(async (answer) => (await answer.json()).id));
    same(`${batch}`, [answers.map((answer) => answer.status), keys], [[200, 200], others]);
  }

  const scope = 'https://api.securitycenter.microsoft.com/.default';
  const credential = { tokenUrl: `${tlsUrl}/${tenant}/oauth2/v2.0/token`, clientId: client, clientSecret: secret, scope };
  const signed = OData.New4({ serviceEndpoint: `${tlsUrl}/api/`, credential });
  same('with client credentials, by Basic', await signed.getEntitySet('alerts').count(), alerts.length);
  const form = OData.New4({ serviceEndpoint: `${tlsUrl}/api/`, credential: { ...credential, tokenRetrieveType: 'form' } });
  same('by form', await form.getEntitySet('alerts').count(), alerts.length);
  const wrong = OData.New4({ serviceEndpoint: `${tlsUrl}/api/`, credential: { ...credential, clientSecret: 'x' } });
  await fails('a wrong secret', () => wrong.getEntitySet('alerts').count(), 'invalid_client');
  await fails('no credentials', () => OData.New4({ serviceEndpoint: `${tlsUrl}/api/` }).getEntitySet('alerts').count(), 'token');
}, 26);
