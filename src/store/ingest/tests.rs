use super::*;
use std::io::Write as _;

struct Trial {
    folder: tempfile::TempDir,
    store: Store,
}

impl Trial {
    async fn new() -> Trial {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store").display().to_string()).await.unwrap();
        Trial { folder, store }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    fn ask(&self, input: &str) -> Ask {
        let rejects = self.folder.path().join("rejects");
        Ask { inputs: vec![input.to_owned()], table: None, replace: false, again: false, rejects }
    }

    async fn take(&self, ask: Ask) -> String {
        let summary = match ingest(&self.store, ask, Arc::default()).await {
            Ok(summary) => summary,
            Err(error) => return format!("{error}\n"),
        };
        let mut told = String::new();
        for (table, rows) in &summary.tables {
            told += &format!("{table} {} {}\n", rows.added, rows.skipped);
            assert!(self.store.refresh().await.unwrap().row_count(table).unwrap() >= rows.added);
        }
        told + &format!("inputs {} skipped {} rejected {}\n", summary.inputs, summary.skipped.len(), summary.rejected)
    }

    fn rejects(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("rejects")).unwrap_or_default();
        text.lines()
            .map(|line| {
                let reject: serde_json::Value = serde_json::from_str(line).unwrap();
                format!("{} {}\n", reject["line"], reject["reason"].as_str().unwrap())
            })
            .collect()
    }
}

const ENVELOPES: &str = r#"{"time":"2024-01-02T03:04:05Z","tenantId":"t","category":"AdvancedHunting-DeviceEvents","properties":{"Timestamp":"2024-01-02T03:04:05.1234567Z","DeviceName":"a"}}
{"records":[{"time":"2024-01-02T03:04:05Z","category":"AdvancedHunting-AlertInfo","properties":{"Timestamp":"2024-01-02T03:04:05Z","AlertId":"1"}},{"category":"AdvancedHunting-AlertInfo","properties":{"Timestamp":"2024-01-03T03:04:05Z","AlertId":"2"}}]}
"#;

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn an_input_is_taken_in_once_whatever_comes_with_it() {
    let trial = Trial::new().await;
    trial.file("in/a.json", ENVELOPES);
    let folder = trial.folder.path().join("in").display().to_string();
    insta::assert_snapshot!(trial.take(trial.ask(&folder)).await, @"
    AlertInfo 2 0
    DeviceEvents 1 0
    inputs 1 skipped 0 rejected 0
    ");
    trial.file("in/y=2024/b.json.gz", gzip(&ENVELOPES.replace("\"2\"", "\"3\"")));
    trial.file("in/y=2024/same.json", ENVELOPES);
    insta::assert_snapshot!(trial.take(trial.ask(&folder)).await, @"
    AlertInfo 2 0
    DeviceEvents 1 0
    inputs 3 skipped 2 rejected 0
    ");
    insta::assert_snapshot!(trial.take(trial.ask(&format!("{folder}/**/*.gz"))).await, @"inputs 1 skipped 1 rejected 0");
    let again = Ask { again: true, ..trial.ask(&format!("{folder}/a.json")) };
    insta::assert_snapshot!(trial.take(again).await, @"
    AlertInfo 2 0
    DeviceEvents 1 0
    inputs 1 skipped 0 rejected 0
    ");
    assert_eq!(trial.store.row_count("AlertInfo"), Some(6));
    // An input is marked only where it has rows, so that a table without them says nothing of it.
    let (one, other) = ENVELOPES.split_once('\n').unwrap();
    trial.file("two/one.json", format!("{one} "));
    trial.file("two/other.json", format!("{other} "));
    trial.take(trial.ask(&folder.replace("/in", "/two"))).await;
    let hash = input::list(&folder.replace("/in", "/two/one.json")).await.unwrap()[0].fetch().await.unwrap().hash;
    let marked = trial.store.marked(&format!("{MARK}{hash}")).await.unwrap();
    assert_eq!(marked, [("DeviceEvents".to_owned(), 1)]);
}

#[tokio::test]
async fn a_table_that_has_the_rows_already_is_passed_over() {
    let trial = Trial::new().await;
    let path = trial.file("a.json", ENVELOPES);
    let hash = input::list(&path).await.unwrap()[0].fetch().await.unwrap().hash;
    // As left behind when the first of two commits was the last.
    let table = tables::named("AlertInfo").unwrap();
    let mut rows = rows::Rows::new(table);
    rows.push(&[("AlertId".into(), cells::Raw::Text("1".into()))]).unwrap();
    let ingestion = Ingestion::new(format!("{MARK}{hash}"), 2);
    trial.store.append_all("AlertInfo", &table.stored_schema(), vec![rows.take().unwrap()], &ingestion).await.unwrap();
    insta::assert_snapshot!(trial.take(trial.ask(&path)).await, @"
    AlertInfo 0 2
    DeviceEvents 1 0
    inputs 1 skipped 0 rejected 0
    ");
    insta::assert_snapshot!(trial.take(trial.ask(&path)).await, @"inputs 1 skipped 1 rejected 0");
}

#[tokio::test]
async fn what_cannot_be_read_is_rejected_and_the_rest_goes_on() {
    let trial = Trial::new().await;
    let lines = ENVELOPES.replace('\n', "\n{\"broken\":\n")
        + "\n7\n{\"colour\":\"red\"}\n{\"category\":\"SignInLogs\",\"properties\":{}}\n"
        + "{\"category\":\"AdvancedHunting-DeviceEvents\",\"properties\":{\"Timestamp\":\"soon\"}}\n";
    let path = trial.file("a.json", lines);
    insta::assert_snapshot!(trial.take(trial.ask(&path)).await, @"
    AlertInfo 2 0
    DeviceEvents 1 0
    inputs 1 skipped 0 rejected 6
    ");
    insta::assert_snapshot!(trial.rejects(), @r#"
    2 not JSON: EOF while parsing a value at line 1 column 10
    4 not JSON: EOF while parsing a value at line 1 column 10
    6 no JSON object where a row should be
    7 no one hunting table fits these columns: `colour`
    8 no hunting table has the category `SignInLogs`
    9 `Timestamp` is no datetime: "soon"
    "#);
    let path = trial.file("b.csv", "Timestamp,DeviceName,ActionType\n2024-01-01,\"a\nb\",X\n2024-01-01,c\n");
    let ask = Ask { table: Some("DeviceEvents".into()), ..trial.ask(&path) };
    insta::assert_snapshot!(trial.take(ask).await, @"
    DeviceEvents 1 0
    inputs 1 skipped 0 rejected 1
    ");
    insta::assert_snapshot!(trial.rejects(), @"4 2 fields where the header has 3");
    let mut cut = gzip(&ENVELOPES.repeat(2_000));
    cut.truncate(cut.len() - 20);
    let path = trial.file("c.json.gz", cut);
    let told = trial.take(trial.ask(&path)).await;
    assert!(told.ends_with("rejected 1\n") || told.ends_with("rejected 2\n"), "{told}");
    let path = trial.file("d.bin", [0, 1, 2]);
    insta::assert_snapshot!(trial.take(trial.ask(&path)).await, @"inputs 1 skipped 0 rejected 1");
    insta::assert_snapshot!(trial.take(trial.ask("/no/such/file")).await, @"`/no/such/file` cannot be read: No such file or directory (os error 2)");
    insta::assert_snapshot!(trial.take(Ask { table: Some("DeviceEvent".into()), ..trial.ask(&path) }).await, @"there is no hunting table `DeviceEvent`: `DeviceEvents` is the nearest name");
}

#[tokio::test]
async fn answers_of_the_apis_and_parquet_are_rows_too() {
    let trial = Trial::new().await;
    let row = r#"{"Timestamp":"2024-01-02T03:04:05Z","AlertId":"1","Title":"t","Category":"c","Severity":"High","ServiceSource":"s"}"#;
    let path =
        trial.file("answer.json", format!("{{\"Schema\":[{{\"Name\":\"AlertId\"}}],\n\"Results\":[{row},{row}]}}"));
    insta::assert_snapshot!(trial.take(trial.ask(&path)).await, @"
    AlertInfo 2 0
    inputs 1 skipped 0 rejected 0
    ");
    let path = trial.file("graph.json", format!("{{\"schema\":[],\"results\":[{row}]}}"));
    insta::assert_snapshot!(trial.take(trial.ask(&path)).await, @"
    AlertInfo 1 0
    inputs 1 skipped 0 rejected 0
    ");
    // What one store has written is another's input.
    let folder = trial.folder.path().join("store/AlertInfo").display().to_string();
    let other = Trial::new().await;
    insta::assert_snapshot!(other.take(other.ask(&format!("{folder}/**/*.parquet"))).await, @"
    AlertInfo 3 0
    inputs 2 skipped 0 rejected 0
    ");
}

#[tokio::test]
async fn fixtures_are_read_without_rejects() {
    let trial = Trial::new().await;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").display().to_string();
    insta::assert_snapshot!(trial.take(trial.ask(&fixtures)).await, @"
    AlertEvidence 1602 0
    AlertInfo 400 0
    Alerts 400 0
    DeviceAlertEvents 400 0
    DeviceProcessEvents 4000 0
    inputs 2 skipped 0 rejected 0
    ");
}

#[tokio::test]
async fn samples_are_read_without_rejects() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(samples) = here.ancestors().map(|at| at.join("shared/samples")).find(|at| at.is_dir()) else {
        eprintln!("passed over: the samples are not at hand");
        return;
    };
    let trial = Trial::new().await;
    let mut told = String::new();
    for name in [
        "demisto_alerts_2019.json",
        "docs_alerts_1.json",
        "docs_get-alerts_1.json",
        "docs_get-alerts_2.json",
        "msticpy_mde_proc_pub.jsonl",
        "otrf_goldensaml_Microsoft365DefenderEvents.jsonl",
    ] {
        told += &trial.take(trial.ask(&samples.join(name).display().to_string())).await;
    }
    insta::assert_snapshot!(trial.rejects(), @"");
    insta::assert_snapshot!(told, @"
    Alerts 3 0
    inputs 1 skipped 0 rejected 0
    Alerts 1 0
    inputs 1 skipped 0 rejected 0
    Alerts 1 0
    inputs 1 skipped 0 rejected 0
    Alerts 1 0
    inputs 1 skipped 0 rejected 0
    DeviceProcessEvents 200 0
    inputs 1 skipped 0 rejected 0
    CloudAppEvents 2 0
    DeviceEvents 5 0
    IdentityDirectoryEvents 2 0
    inputs 1 skipped 0 rejected 0
    ");
}

#[tokio::test]
async fn a_watchlist_is_added_to_or_replaced() {
    use crate::catalog::Tables as _;
    let trial = Trial::new().await;
    let table = || Some("Watchlist_Offices".to_owned());
    let (first, second) =
        (trial.file("a.csv", "Net,Tag\n10.1.0.0/16,x\n"), trial.file("b.csv", "Net,Note\n10.2.0.0/16,y\n"));
    let columns = || async {
        let view = trial.store.refresh().await.unwrap();
        let schema = view.schema("Watchlist_Offices").unwrap();
        format!("{} {}", view.row_count("Watchlist_Offices").unwrap(), schema.names().collect::<Vec<_>>().join(" "))
    };
    let add = |path: &str| Ask { table: table(), ..trial.ask(path) };
    trial.take(add(&first)).await;
    trial.take(add(&second)).await;
    assert_eq!(columns().await, "2 Net Tag Note");
    insta::assert_snapshot!(trial.take(Ask { replace: true, ..add(&second) }).await, @r"
    Watchlist_Offices 1 0
    inputs 1 skipped 0 rejected 0
    ");
    assert_eq!(columns().await, "1 Net Note");
    // What it held before comes back as it was.
    trial.take(Ask { replace: true, ..add(&first) }).await;
    assert_eq!(columns().await, "1 Net Tag");
    let empty = trial.file("c.csv", "Net\n");
    trial.take(Ask { replace: true, ..add(&empty) }).await;
    assert_eq!(columns().await, "0 Net");
}
