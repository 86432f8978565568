//! Queries with little memory: what does not fit goes to disk meanwhile, or the query is refused; its answer is never
//! another one, and the server stays.
use crate::front::{Row, run, take};
use libtest_mimic::Trial;
use sighthound::engine::{Engine, Language, Limits, QueryError, Refused, Request};
use sighthound::text::codes;
use sighthound::value::{Value, datetime};

/// Bytes, of which the rows below take many times as many.
const LITTLE: usize = 12 << 20;
const ROWS: usize = 60_000;
/// 2025-06-10
const START: i64 = 638_851_104_000_000_000;

/// Each with whether there must be an answer.
const QUERIES: &[(&str, bool)] = &[
    ("DeviceProcessEvents | sort by ProcessCommandLine desc | take 5 | project ProcessCommandLine", true),
    (
        "DeviceProcessEvents | summarize n = count() by ProcessCommandLine | summarize count(), sum(n), max(ProcessCommandLine)",
        true,
    ),
    (
        "DeviceProcessEvents | summarize arg_max(Timestamp, *) by DeviceId | summarize count(), max(strlen(ProcessCommandLine))",
        false,
    ),
    (
        "DeviceProcessEvents | sort by FileName asc, ProcessCommandLine desc | extend n = row_number() | summarize max(n), max(FileName)",
        false,
    ),
    ("DeviceProcessEvents | join kind=inner DeviceProcessEvents on ProcessCommandLine | summarize count()", false),
    (
        "DeviceProcessEvents | join kind=leftouter (DeviceProcessEvents | distinct DeviceId, FileName) on DeviceId | summarize count()",
        false,
    ),
    ("DeviceProcessEvents | summarize all = make_list(ProcessCommandLine) | project array_length(all)", false),
    ("DeviceProcessEvents | distinct ProcessCommandLine, FileName | count", true),
    (
        "DeviceProcessEvents | project b = bag_pack('a', ProcessCommandLine) | evaluate bag_unpack(b) | summarize count(), max(a)",
        false,
    ),
    ("DeviceProcessEvents | project FileName, DeviceId | evaluate pivot(FileName, count()) | count", false),
    (
        "DeviceProcessEvents | top-nested 2 of FileName by count(), top-nested 1 of DeviceId by max(ProcessCommandLine)",
        false,
    ),
];

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("memory::little of it", || run(little))]
}

async fn asked(engine: &Engine, query: &str, memory: usize) -> Result<String, QueryError> {
    let request = Request::new(Limits { memory, ..Limits::SHELL });
    let mut bound = engine.meaning(Language::Kql, query, &request).await?;
    let table = engine.table(bound.results.remove(0).rel, &request).await?;
    Ok(format!("{:?}", table.rows))
}

async fn little() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(&folder.path().display().to_string()).await.expect("a store");
    let rows = (0..ROWS).map(|row| -> Row<'static> {
        let mixed = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        vec![
            ("Timestamp", Value::Datetime(START + row as i64 * datetime::TICKS_PER_SECOND)),
            ("DeviceId", Value::string(format!("{:040x}", mixed >> 50))),
            ("FileName", Value::string(format!("{:x}.exe", mixed >> 56))),
            ("ProcessCommandLine", Value::string(format!("run.exe --of {mixed:016x} --and {}", "x".repeat(row % 200)))),
        ]
    });
    take(engine.store(), "DeviceProcessEvents", &rows.collect::<Vec<_>>()).await;
    for (query, must) in QUERIES {
        let enough = asked(&engine, query, 1 << 30).await.expect(query);
        match asked(&engine, query, LITTLE).await {
            Ok(answer) => assert_eq!(answer, enough, "{query}"),
            Err(QueryError::Refused(Refused::Memory(_))) if !must => {}
            // The columns depend on more than fits.
            Err(QueryError::Wrong(_, faults))
                if !must && faults.iter().all(|fault| fault.code == codes::NEEDS_DATA) => {}
            Err(error) => panic!("{query}: {error:?}"),
        }
    }
    // Nothing of it stays behind.
    assert!(asked(&engine, "print 1", LITTLE).await.is_ok());
}
