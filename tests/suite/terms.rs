//! An index of terms decides how much is read, never what is found: the same questions of the same rows with indexes, with
//! damaged ones, with some missing and without any; and of files that others wrote.
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use libtest_mimic::{Failed, Trial};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sighthound::columns::column;
use sighthound::engine::{Engine, Language, Limits, Request};
use sighthound::store::index::{FOOTER_KEY, Place};
use sighthound::store::{Ingestion, Store};
use sighthound::types::{Schema, Type};
use sighthound::value::{Value, datetime};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const ROWS: usize = 16_000;
const QUESTIONS: usize = 60;
/// From one row to the next.
const SECONDS: usize = 12;

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("terms::an_index_changes_no_answer", || sighthound::cli::runtime()?.block_on(same_answers()))]
}

async fn same_answers() -> Result<(), Failed> {
    let rng = &mut ChaCha8Rng::seed_from_u64(20_260_101);
    let folder = tempfile::tempdir()?;
    let names = ["whole", "none", "damaged", "partly"];
    let words = vocabulary(rng);
    let batch = rows(rng, &words);
    let whole = folder.path().join(names[0]);
    let schema = Schema::new([
        ("Timestamp", Type::Datetime),
        ("Id", Type::Long),
        ("A", Type::String),
        ("B", Type::String),
        ("D", Type::Dynamic),
    ]);
    let store = Store::open(&whole.display().to_string()).await?;
    store.append_all("T", &schema, vec![batch.clone()], &Ingestion::new("rows", 1)).await?;
    let mut engines = Vec::new();
    for name in names {
        let copy = folder.path().join(name);
        if name != names[0] {
            copied(&whole, &copy)?;
        }
        for (at, file) in parquet_files(&copy)?.into_iter().enumerate() {
            match name {
                "none" => damage(&file, rng, true)?,
                "damaged" => damage(&file, rng, false)?,
                "partly" if at % 2 == 0 => damage(&file, rng, true)?,
                _ => {}
            }
        }
        engines.push(Engine::open(&copy.display().to_string()).await?);
    }
    let others = folder.path().join("others");
    written_by_others(&others, &batch)?;
    let attached = Engine::open(&folder.path().join("nothing").display().to_string()).await?;
    attached.store().attach("T", &others.display().to_string()).await?;
    let (mut wrong, mut fewer, mut found) = (Vec::new(), 0, 0);
    for _ in 0..QUESTIONS {
        let mut predicate = predicate(rng, &words, 3);
        if rng.random_ratio(1, 4) {
            let (from, rows) = (rng.random_range(0..ROWS), rng.random_range(1..ROWS / 4));
            predicate = format!("Timestamp between ({} .. {}) and {predicate}", time(from), time(from + rows));
        }
        let question = format!("T | where {predicate} | project Id | order by Id asc");
        let texts = format!("T | where {predicate} | project Id = hash(strcat(Id, '|', A, '|', B)) | order by Id asc");
        let grouped = format!(
            "T | where {predicate} | summarize Id = sum(Id) + 7 * count() by A, B | project Id | order by Id asc"
        );
        for question in [&question, &texts, &grouped] {
            let mut answers = Vec::new();
            for engine in &engines {
                answers.push(answer(engine, question).await?);
            }
            // There a dynamic is a string.
            if !predicate.contains('D') {
                answers.push(answer(&attached, question).await?);
            }
            if answers.iter().any(|answer| *answer != answers[1]) {
                let lengths: Vec<usize> = answers.iter().map(Vec::len).collect();
                wrong.push(format!("{question}\n{lengths:?} rows of {names:?} and others"));
            }
            found += usize::from(!answers[1].is_empty());
        }
        let stages = engines[0].explain(Language::Kql, &question, Request::new(Limits::SHELL)).await;
        let stages = stages.map_err(|error| format!("{error:?}"))?;
        fewer += usize::from(stages.iter().any(|(_, text)| text.contains("where terms leave out")));
    }
    // A test in which nothing is left out, or nothing is found, tests nothing.
    if fewer < QUESTIONS / 5 || found < QUESTIONS / 2 {
        wrong.push(format!("of {QUESTIONS} questions {fewer} were answered with fewer pages, and {found} found rows"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

async fn answer(engine: &Engine, question: &str) -> Result<Vec<i64>, Failed> {
    use futures::StreamExt;
    let answer = engine.query(Language::Kql, question, Request::new(Limits::SHELL)).await;
    let mut table = answer.map_err(|error| format!("{question}\n{error:?}"))?.tables.remove(0);
    let mut ids = Vec::new();
    while let Some(batch) = table.batches.next().await {
        let batch = batch.map_err(|error| format!("{question}\n{error:?}"))?;
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>().ok_or("ids are longs")?;
        ids.extend(column.values());
    }
    Ok(ids)
}

/// The rows again, in files of all kinds that there are: texts in dictionaries, in part and not at all, nulls, pages and row
/// groups of other sizes, a file without one of the columns.
fn written_by_others(folder: &Path, rows: &RecordBatch) -> Result<(), Failed> {
    fs::create_dir_all(folder)?;
    let kinds = [
        (WriterVersion::PARQUET_1_0, 1 << 20, 3_000, 500),
        (WriterVersion::PARQUET_1_0, 4_000, 1_000_000, 700),
        (WriterVersion::PARQUET_2_0, 2_000, 1_500, 300),
        (WriterVersion::PARQUET_1_0, 0, 2_000, 1_000),
        (WriterVersion::PARQUET_2_0, 1 << 20, 1_000_000, 20_000),
    ];
    let ticks = rows.column(0).as_primitive::<Int64Type>();
    let epoch = datetime::parse("1970-01-01").unwrap_or(0);
    let times = TimestampMicrosecondArray::from_iter_values(ticks.values().iter().map(|ticks| (ticks - epoch) / 10));
    let names = rows.schema();
    let columns = names.fields().iter().map(|field| field.name().as_str()).zip(rows.columns().iter().cloned());
    let times = ("Timestamp", Arc::new(times.with_timezone_utc()) as ArrayRef);
    let rows = RecordBatch::try_from_iter_with_nullable(
        std::iter::once(times).chain(columns.skip(1)).map(|(name, array)| (name, array, true)),
    )?;
    let each = rows.num_rows().div_ceil(kinds.len());
    for (at, (version, dictionary, group, page)) in kinds.into_iter().enumerate() {
        let mut part = rows.slice(at * each, each.min(rows.num_rows() - at * each));
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_dictionary_enabled(dictionary > 0)
            .set_dictionary_page_size_limit(dictionary)
            .set_max_row_group_row_count(Some(group))
            .set_data_page_row_count_limit(page)
            .set_write_batch_size(100)
            .build();
        if part.column(3).null_count() == part.num_rows() {
            part = part.project(&[0, 1, 2, 4])?;
        }
        let file = fs::File::create(folder.join(format!("{at}.parquet")))?;
        let mut writer = ArrowWriter::try_new(file, part.schema(), Some(properties))?;
        writer.write(&part)?;
        writer.close()?;
    }
    Ok(())
}

fn vocabulary(rng: &mut ChaCha8Rng) -> Vec<String> {
    let mut words = Vec::new();
    let mut random = |letters: &str, longest: usize, many: usize| {
        let letters: Vec<char> = letters.chars().collect();
        for _ in 0..many {
            let length = rng.random_range(1..=longest);
            words.push((0..length).filter_map(|_| letters.choose(rng)).collect::<String>());
        }
    };
    random("abcABC", 3, 60);
    random("abcdefghijklmnopqrstuvwxyz", 9, 1_500);
    random("0123456789", 6, 400);
    random("0123456789abcdef", 40, 400);
    random("abcXYZ019", 70, 100);
    random("üÉßıİ日本ǆ_xK", 5, 100);
    for _ in 0..200 {
        let mut part = || rng.random_range(0..=255);
        words.push(format!("{}.{}.{}.{}", part(), part(), part(), part()));
    }
    words.push(String::new());
    words.shuffle(rng);
    words.push("long ".repeat(200_000));
    words
}

/// The text of a row: rare words are near each other, as they are in what is stored by time.
fn text(rng: &mut ChaCha8Rng, words: &[String], row: usize) -> String {
    let near = row * (words.len() - 1) / ROWS;
    let mut text = String::new();
    for _ in 0..rng.random_range(0..6) {
        // The last one is very long, and rare.
        let at = if rng.random_ratio(1, 20_000) {
            words.len() - 1
        } else {
            (near + rng.random_range(0..120)) % (words.len() - 1)
        };
        // Some words are common, most are not.
        let at = if rng.random_ratio(1, 3) { at % 20 } else { at };
        text += &words[at];
        text += [" ", "-", "\\", "_", ".", "", "/"].choose(rng).copied().unwrap_or(" ");
    }
    text
}

/// The time of a row, as a literal.
fn time(row: usize) -> String {
    format!("(datetime(2025-01-01) + {}s)", row * SECONDS)
}

fn rows(rng: &mut ChaCha8Rng, words: &[String]) -> RecordBatch {
    let start = datetime::parse("2025-01-01").unwrap_or(0);
    let times: Vec<_> =
        (0..ROWS).map(|row| Value::Datetime(start + (row * SECONDS) as i64 * datetime::TICKS_PER_SECOND)).collect();
    let a: Vec<String> = (0..ROWS).map(|row| text(rng, words, row)).collect();
    // None in the last fifth.
    let has = |row: usize| row < ROWS - ROWS.div_ceil(5);
    let b: Vec<Option<String>> =
        (0..ROWS).map(|row| (has(row) && rng.random_ratio(1, 3)).then(|| text(rng, words, row))).collect();
    let d: Vec<Option<String>> = (0..ROWS)
        .map(|row| match row % 5 {
            0 => None,
            1 => Some(serde_json::Value::from(text(rng, words, row)).to_string()),
            _ => {
                let number = rng.random_range(0..1_000);
                let list = [text(rng, words, row), text(rng, words, row)];
                Some(serde_json::json!({ "p": text(rng, words, row), "n": number, "r": 0.5, "l": list }).to_string())
            }
        })
        .collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("Timestamp", column(Type::Datetime, &times)),
        ("Id", Arc::new(Int64Array::from_iter_values(0..ROWS as i64))),
        ("A", Arc::new(StringViewArray::from_iter_values(a))),
        ("B", Arc::new(StringViewArray::from_iter(b))),
        ("D", Arc::new(StringViewArray::from_iter(d))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .expect("columns of one length")
}

/// A random tree of tests.
fn predicate(rng: &mut ChaCha8Rng, words: &[String], deepest: u32) -> String {
    if deepest > 0 && rng.random_ratio(1, 2) {
        let operator = if rng.random() { "and" } else { "or" };
        let parts: Vec<String> = (0..rng.random_range(2..4)).map(|_| predicate(rng, words, deepest - 1)).collect();
        let tree = format!("({})", parts.join(&format!(" {operator} ")));
        return if rng.random_ratio(1, 10) { format!("not({tree})") } else { tree };
    }
    let value = ["A", "A", "B", "B", "D", "D.p", "tostring(D.n)", "tostring(D)", "tolower(A)", "tostring(Id)"];
    let value = value.choose(rng).copied().unwrap_or("A");
    let operators = [
        "has",
        "has",
        "has",
        "!has",
        "has_cs",
        "hasprefix",
        "hassuffix",
        "contains",
        "contains",
        "contains_cs",
        "startswith",
        "endswith",
        "==",
        "=~",
        "!=",
        "!contains",
        "hasprefix_cs",
        "endswith_cs",
    ];
    let lists = ["in", "in~", "has_any", "has_all", "!in"];
    let mut needle = || {
        let word = words[rng.random_range(0..words.len() - 1)].clone();
        let letters = word.chars().count();
        let word: String = match rng.random_range(0..4) {
            0 => word.chars().skip(rng.random_range(0..letters.max(1))).take(rng.random_range(1..6)).collect(),
            1 => format!("{word}.{}", words[rng.random_range(0..words.len() - 1)]),
            _ => word,
        };
        serde_json::Value::from(word).to_string()
    };
    let (one, two, three) = (needle(), needle(), needle());
    if rng.random_ratio(1, 4) {
        let operator = lists.choose(rng).copied().unwrap_or("in");
        // Lists are of texts.
        let value = if value == "D" || value == "D.p" { "tostring(D.p)" } else { value };
        return format!("{value} {operator} ({one}, {two}, {three})");
    }
    if rng.random_ratio(1, 12) {
        let escaped = regex::escape(one.trim_matches('"')).replace('\'', "");
        return format!("A matches regex @'(?i){escaped}(x|\\d|$)'");
    }
    if rng.random_ratio(1, 20) {
        return "Id % 7 == 3".into();
    }
    let operator = operators.choose(rng).copied().unwrap_or("has");
    let value = if value.starts_with('D') && operator.contains('=') { "tostring(D.p)" } else { value };
    format!("{value} {operator} {one}")
}

/// Turns over some bytes of a file's index: of its directory, so that there is none, or of its columns.
fn damage(file: &Path, rng: &mut ChaCha8Rng, all: bool) -> Result<(), Failed> {
    let mut bytes = fs::read(file)?;
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone()))?;
    let values = reader.metadata().file_metadata().key_value_metadata().ok_or("a file without an index")?;
    let value = values.iter().find(|one| one.key == FOOTER_KEY).and_then(|one| one.value.as_deref());
    let place = value.and_then(Place::parse).ok_or("a file without an index")?;
    let directory = place.directory();
    let within = if all { directory.clone() } else { place.start..directory.start };
    for _ in 0..3 {
        let at = usize::try_from(rng.random_range(within.clone()))?;
        bytes[at] ^= rng.random_range(1..=255);
    }
    Ok(fs::write(file, bytes)?)
}

fn parquet_files(folder: &Path) -> Result<Vec<std::path::PathBuf>, Failed> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn copied(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().ok_or("a name")?);
        if path.is_dir() {
            copied(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
