// odata2ts: the client that it made of `/api/$metadata`, compiled strictly, asks the server.
import { FetchClient } from "@odata2ts/http-client-fetch";
import { SighthoundService } from "./made/SighthoundService";

declare const require: any, process: any;
const { same, run, alerts, ids, url, tlsUrl, client, secret, tenant, fails } = require(process.env.SIGHTHOUND_CHECKS);

run(async () => {
  const service = new SighthoundService(new FetchClient(), `${url}/api`);
  const newest = alerts[0];

  const high = await service.Alerts().query((builder, alert) => builder
    .filter(alert.severity.eq("Low"), alert.title.contains("malware")).select("id", "severity", "title").top(10000));
  const wanted = ids((row: any) => row.Severity === "Low" && row.Title.includes("malware"));
  same("a filter", high.data.value.map((alert) => alert.id).sort(), wanted);
  same("a selection", Object.keys(high.data.value[0]), ["id", "severity", "title"]);
  const first = await service.Alerts().query((builder, alert) => builder
    .orderBy(alert.alertCreationTime.asc()).top(2).count());
  same("order", first.data.value.map((alert) => alert.id), alerts.slice(-2).reverse().map((row: any) => row.AlertId));
  same("count", first.data["@odata.count"], alerts.length);
  const time = await service.Alerts().query((builder, alert) => builder
    .filter(alert.alertCreationTime.ge("2025-06-20T00:00:00Z")).count().top(1));
  same("a time", time.data["@odata.count"], ids((row: any) => row.Timestamp >= "2025-06-20").length);

  const one = await service.Alerts(newest.AlertId).query((builder) => builder.expand("evidence"));
  same("one by its key", one.data.title, newest.Title);
  const kinds: (string | null)[] = one.data.evidence.map((item) => item.entityType);
  same("its evidence", kinds.length > 0 && kinds.every((kind) => typeof kind === "string"), true);
  const narrowed = await service.Alerts(newest.AlertId).query((builder) => builder
    .expanding("evidence", (inner, item) => inner.filter(item.entityType.eq("User"))));
  same("some of it", narrowed.data.evidence.map((item) => item.entityType), kinds.filter((kind) => kind === "User"));
  const such = await service.Alerts().query((builder, alert) => builder
    .filter(alert.evidence.any((item) => item.accountName.eq(narrowed.data.evidence[0].accountName))).count().top(1));
  same("any of it", (such.data["@odata.count"] ?? 0) > 0, true);

  const machine = await service.Alerts(newest.AlertId).machine().query();
  same("the machine of an alert", machine.data.computerDnsName, newest.DeviceName);
  const its = await service.Machines(newest.DeviceId).alerts().query((builder) => builder.select("id"));
  same("the alerts of a machine", its.data.value.map((alert) => alert.id).sort(), ids((row: any) => row.DeviceId === newest.DeviceId));
  const incident = await service.incidents(one.data.incidentId!).query();
  same("an incident and its alerts", incident.data.alerts.some((alert) => alert.alertId === newest.AlertId), true);

  const changed = await service.Alerts(newest.AlertId).patch({ status: "Resolved", assignedTo: "a@contoso.example" });
  same("a change", (changed.data as any).status, "Resolved");
  const after = await service.Alerts(newest.AlertId).query();
  same("after it", [after.data.status, after.data.assignedTo], ["Resolved", "a@contoso.example"]);
  await fails("a key that is not there", () => service.Alerts("da0_0").query(), "da0_0");

  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: client, client_secret: secret,
    scope: "https://api.securitycenter.microsoft.com/.default" });
  const granted: any = await (await fetch(`${tlsUrl}/${tenant}/oauth2/v2.0/token`, { method: "POST", body: form })).json();
  const headers = { Authorization: `Bearer ${granted.access_token}` };
  const signed = new SighthoundService(new FetchClient({ headers }), `${tlsUrl}/api`);
  const counted = await signed.Alerts().query((builder) => builder.count().top(1));
  same("with a token", counted.data["@odata.count"], alerts.length);
  await fails("without", () => new SighthoundService(new FetchClient(), `${tlsUrl}/api`).Alerts().query(), "token");
}, 17);
