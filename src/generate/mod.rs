//! Made-up data of any size, for trying out and for measuring: the same seed makes the same rows, on any number of
//! threads. Rows come in blocks, each with its own random numbers and its own part of the time.
use crate::catalog::{self, ColumnDef};
use crate::columns::{ColumnBuilder, arrow_schema};
use crate::types::Schema;
use crate::value::datetime::{self, Civil, TICKS_PER_DAY};
use crate::value::{Value, json_text};
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use futures::{Stream, StreamExt};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::io::Write;
use std::sync::Arc;

mod alerts;
mod processes;
mod words;
mod world;

use alerts::{Alert, Evidence};
use processes::Processes;
use world::World;

/// Events of a block.
const BLOCK: u64 = 8_192;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub alerts: u64,
    pub processes: u64,
    pub days: u32,
    pub seed: u64,
    /// The end of the days, in ticks.
    pub until: i64,
    /// Whether alerts come as `AlertInfo` and `AlertEvidence` too.
    pub evidence: bool,
}

/// What there is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    DeviceAlertEvents,
    AlertInfo,
    AlertEvidence,
    DeviceProcessEvents,
}

impl Kind {
    pub fn table(self) -> Option<&'static catalog::Table> {
        catalog::table(match self {
            Kind::DeviceAlertEvents => "DeviceAlertEvents",
            Kind::AlertInfo => "AlertInfo",
            Kind::AlertEvidence => "AlertEvidence",
            Kind::DeviceProcessEvents => processes::TABLE,
        })
    }
}

/// Rows of one table, one event after the other.
trait Table {
    /// What a column shows: found once by its name, asked for in every row.
    type Field: Copy;

    /// The next event.
    fn draw(&mut self, time: i64, rng: &mut ChaCha8Rng);

    /// Rows of the event.
    fn parts(&self) -> usize {
        1
    }

    fn turn_to(&mut self, _part: usize) {}

    fn field(column: &str) -> Self::Field;

    fn value(&self, field: Self::Field) -> Value<'_>;
}

/// Where cells go, row by row and column by column.
trait Sink {
    fn begin(&mut self, time: i64);
    fn cell(&mut self, column: usize, value: &Value<'_>);
    fn end(&mut self);
}

/// The random numbers of one block. Alerts draw the same ones whatever table they become.
enum Draw {
    Alerts = 1,
    Processes = 2,
    Resources = 3,
}

pub struct Generator {
    plan: Plan,
    world: World,
}

impl Generator {
    pub fn new(plan: Plan) -> Generator {
        Generator { world: World::new(plan.seed, plan.processes.max(plan.alerts)), plan }
    }

    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        if self.plan.alerts > 0 {
            kinds.push(Kind::DeviceAlertEvents);
            if self.plan.evidence {
                kinds.extend([Kind::AlertInfo, Kind::AlertEvidence]);
            }
        }
        if self.plan.processes > 0 {
            kinds.push(Kind::DeviceProcessEvents);
        }
        kinds
    }

    /// Events of a kind; an event is one row, except of `AlertEvidence`.
    pub fn events(&self, kind: Kind) -> u64 {
        match kind {
            Kind::DeviceProcessEvents => self.plan.processes,
            Kind::DeviceAlertEvents | Kind::AlertInfo | Kind::AlertEvidence => self.plan.alerts,
        }
    }

    fn rng(&self, draw: Draw, block: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.plan.seed);
        rng.set_stream((draw as u64) << 48 | block);
        rng
    }

    /// The times of a block's events, in order: its part of the days, more by day than at night and at weekends.
    fn times(&self, events: u64, block: u64, rng: &mut ChaCha8Rng) -> Vec<i64> {
        let span = i64::from(self.plan.days.max(1)) * TICKS_PER_DAY;
        let at = |event: u64| {
            let share = event.min(events) as f64 / events.max(1) as f64;
            (self.plan.until - span).saturating_add((span as f64 * share) as i64).max(0)
        };
        let (first, last) = (block * BLOCK, ((block + 1) * BLOCK).min(events));
        let (from, to) = (at(first), at(last).max(at(first) + 1));
        let mut times: Vec<i64> = (first..last)
            .map(|_| {
                let mut time = rng.random_range(from..to);
                for _ in 0..3 {
                    let hour = time / datetime::TICKS_PER_HOUR % 24;
                    let quiet = !(7..19).contains(&hour) || time / TICKS_PER_DAY % 7 > 4;
                    if !quiet || rng.random_ratio(1, 4) {
                        break;
                    }
                    time = rng.random_range(from..to);
                }
                time
            })
            .collect();
        times.sort_unstable();
        times
    }

    fn rows<T: Table>(
        &self,
        mut rows: T,
        times: &[i64],
        rng: &mut ChaCha8Rng,
        columns: &[ColumnDef],
        out: &mut impl Sink,
    ) {
        let fields: Vec<T::Field> = columns.iter().map(|column| T::field(column.name)).collect();
        for time in times {
            rows.draw(*time, rng);
            for part in 0..rows.parts() {
                rows.turn_to(part);
                out.begin(*time);
                for (column, field) in fields.iter().enumerate() {
                    out.cell(column, &rows.value(*field));
                }
                out.end();
            }
        }
    }

    fn block(&self, kind: Kind, block: u64, columns: &[ColumnDef], out: &mut impl Sink) {
        let draw = if kind == Kind::DeviceProcessEvents { Draw::Processes } else { Draw::Alerts };
        let rng = &mut self.rng(draw, block);
        let times = &self.times(self.events(kind), block, rng);
        match kind {
            Kind::DeviceAlertEvents | Kind::AlertInfo => {
                self.rows(alerts::Rows(Alert::new(&self.world)), times, rng, columns, out);
            }
            Kind::AlertEvidence => self.rows(Evidence::new(&self.world), times, rng, columns, out),
            Kind::DeviceProcessEvents => self.rows(Processes::new(&self.world), times, rng, columns, out),
        }
    }

    fn batch(&self, kind: Kind, table: &catalog::Table, block: u64) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<_> = table.stored_columns().copied().collect();
        let mut cells = Cells(columns.iter().map(|column| ColumnBuilder::new(column.ty, BLOCK as usize)).collect());
        self.block(kind, block, &columns, &mut cells);
        let schema = Schema::new(columns.iter().map(|column| (column.name, column.ty)));
        RecordBatch::try_new(arrow_schema(&schema), cells.0.into_iter().map(ColumnBuilder::finish).collect())
    }

    fn json_lines(&self, kind: Kind, table: &catalog::Table, block: u64) -> Vec<u8> {
        let mut lines = JsonLines::new(table, &self.world.tenant);
        self.block(kind, block, table.columns, &mut lines);
        lines.out
    }

    /// Alerts as the alerts API gives them, each as its JSON text.
    fn resources(&self, block: u64) -> Vec<String> {
        let rng = &mut self.rng(Draw::Alerts, block);
        let more = &mut self.rng(Draw::Resources, block);
        let mut alert = Alert::new(&self.world);
        let times = self.times(self.plan.alerts, block, rng);
        times
            .into_iter()
            .map(|time| {
                alert.draw(time, rng);
                alert.resource(more).to_string()
            })
            .collect()
    }

    fn blocks(self: &Arc<Self>, events: u64) -> impl Iterator<Item = (Arc<Self>, u64)> + Send + use<> {
        let generator = self.clone();
        (0..events.div_ceil(BLOCK)).map(move |block| (generator.clone(), block))
    }
}

/// Makes blocks on all cores and gives them in order.
fn in_order<T: Send + 'static>(
    blocks: impl Iterator<Item = (Arc<Generator>, u64)> + Send + 'static,
    make: impl Fn(&Generator, u64) -> T + Clone + Send + 'static,
) -> impl Stream<Item = T> + Send + Unpin {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let made = futures::stream::iter(blocks).map(move |(generator, block)| {
        let make = make.clone();
        tokio::task::spawn_blocking(move || make(&generator, block))
    });
    // A block that cannot be made ends the rows; the panic behind it has been shown.
    made.buffered(cores + 1)
        .take_while(|made| futures::future::ready(made.is_ok()))
        .filter_map(|made| futures::future::ready(made.ok()))
        .boxed()
}

pub fn batches(
    generator: &Arc<Generator>,
    kind: Kind,
) -> impl Stream<Item = Result<RecordBatch, ArrowError>> + Send + Unpin + use<> {
    let table = kind.table();
    in_order(generator.blocks(generator.events(kind)), move |generator, block| match table {
        Some(table) => generator.batch(kind, table, block),
        None => Err(ArrowError::SchemaError("no such table".into())),
    })
}

/// Lines as the streaming export writes them.
pub fn json_lines(generator: &Arc<Generator>, kind: Kind) -> impl Stream<Item = Vec<u8>> + Send + Unpin + use<> {
    let table = kind.table();
    in_order(generator.blocks(generator.events(kind)), move |generator, block| {
        table.map_or_else(Vec::new, |table| generator.json_lines(kind, table, block))
    })
}

/// The alerts as the alerts API gives them.
pub fn resources(generator: &Arc<Generator>) -> impl Stream<Item = Vec<String>> + Send + Unpin + use<> {
    in_order(generator.blocks(generator.plan.alerts), |generator, block| generator.resources(block))
}

struct Cells(Vec<ColumnBuilder>);

impl Sink for Cells {
    fn begin(&mut self, _time: i64) {}

    fn cell(&mut self, column: usize, value: &Value<'_>) {
        self.0[column].push(value);
    }

    fn end(&mut self) {}
}

struct JsonLines {
    out: Vec<u8>,
    /// What stands in front of the row, but for the time.
    head: String,
    /// `,"Name":` of each column.
    keys: Vec<String>,
}

impl JsonLines {
    fn new(table: &catalog::Table, tenant: &str) -> JsonLines {
        let comma = |at: usize| if at == 0 { "" } else { "," };
        JsonLines {
            out: Vec::with_capacity(BLOCK as usize * 2_048),
            head: format!(
                r#"","tenantId":"{tenant}","operationName":"Publish","category":"AdvancedHunting-{}","properties":{{"#,
                table.name
            ),
            keys: table
                .columns
                .iter()
                .enumerate()
                .map(|(at, column)| format!(r#"{}"{}":"#, comma(at), column.name))
                .collect(),
        }
    }

    fn write(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn write_time(&mut self, ticks: i64) {
        let c = Civil::of(ticks);
        // Writing to memory does not fail.
        let _ = write!(
            self.out,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
            c.year, c.month, c.day, c.hour, c.minute, c.second, c.fraction
        );
    }

    fn write_string(&mut self, text: &str) {
        self.out.push(b'"');
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.out.extend_from_slice(&text.as_bytes()[from..at]);
            from = at + 1;
            match byte {
                b'"' | b'\\' => self.out.extend([b'\\', byte]),
                byte => {
                    let _ = write!(self.out, "\\u{byte:04x}");
                }
            }
        }
        self.out.extend_from_slice(&text.as_bytes()[from..]);
        self.out.push(b'"');
    }
}

impl Sink for JsonLines {
    fn begin(&mut self, time: i64) {
        self.write(r#"{"time":""#);
        self.write_time(time);
        let head = std::mem::take(&mut self.head);
        self.write(&head);
        self.head = head;
    }

    fn cell(&mut self, column: usize, value: &Value<'_>) {
        self.out.extend_from_slice(self.keys[column].as_bytes());
        match value {
            Value::Null => self.write("null"),
            Value::Bool(x) => self.write(if *x { "true" } else { "false" }),
            Value::Long(x) => {
                let _ = write!(self.out, "{x}");
            }
            Value::String(text) => self.write_string(text),
            Value::Datetime(ticks) => {
                self.out.push(b'"');
                self.write_time(*ticks);
                self.out.push(b'"');
            }
            other => self.write(&json_text(other)),
        }
    }

    fn end(&mut self) {
        self.write("}}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;
    use std::fs::File;
    use std::io::Read;
    use std::path::Path;

    fn plan() -> Plan {
        Plan { alerts: 600, processes: 9_000, days: 3, seed: 7, until: 3_000 * TICKS_PER_DAY, evidence: true }
    }

    fn lines(generator: &Generator, kind: Kind) -> Vec<u8> {
        let table = kind.table().unwrap();
        (0..generator.events(kind).div_ceil(BLOCK)).flat_map(|block| generator.json_lines(kind, table, block)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_rows() {
        let (one, two) = (Generator::new(plan()), Generator::new(plan()));
        let other = Generator::new(Plan { seed: 8, ..plan() });
        for kind in one.kinds() {
            assert_eq!(lines(&one, kind), lines(&two, kind));
            assert_ne!(lines(&one, kind), lines(&other, kind));
        }
    }

    #[test]
    fn an_alert_is_the_same_in_every_table() {
        let generator = Generator::new(plan());
        let ids = |kind| -> Vec<String> {
            let lines = lines(&generator, kind);
            let mut ids: Vec<String> = String::from_utf8(lines)
                .unwrap()
                .lines()
                .map(|line| {
                    let row: Json = serde_json::from_str(line).unwrap();
                    let row = &row["properties"];
                    format!("{} {} {}", row["AlertId"], row["Title"], row["Timestamp"])
                })
                .collect();
            ids.dedup();
            ids
        };
        let alerts = ids(Kind::DeviceAlertEvents);
        assert_eq!(alerts.len(), 600);
        assert!(alerts.iter().any(|alert| alert.starts_with("\"ta")));
        assert_eq!(alerts, ids(Kind::AlertInfo));
        assert_eq!(alerts, ids(Kind::AlertEvidence));
        let resources: Vec<Json> =
            generator.resources(0).iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert!(alerts.iter().zip(&resources).all(|(alert, resource)| alert.starts_with(&resource["id"].to_string())));
    }

    #[test]
    fn the_fixtures_are_what_their_note_says() {
        let text = |name: &str| {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(File::open(file).unwrap()).read_to_end(&mut text).unwrap();
            text
        };
        let until = datetime::parse("2025-07-01").unwrap();
        let generator =
            Generator::new(Plan { alerts: 400, processes: 4_000, days: 14, seed: 12, until, evidence: true });
        let made: Vec<u8> = generator.kinds().into_iter().flat_map(|kind| lines(&generator, kind)).collect();
        // Not compared as a whole, since showing the difference would take a minute.
        assert!(made == text("export.jsonl.gz"), "the generator has changed: make the fixtures anew");
        let page: Json = serde_json::from_slice(&text("alerts.json.gz")).unwrap();
        let resources: Vec<Json> =
            generator.resources(0).iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert!(page["value"] == Json::from(resources), "the generator has changed: make the fixtures anew");
    }

    #[test]
    fn batches_and_lines_hold_the_same_rows() {
        let generator = Generator::new(plan());
        let table = Kind::DeviceProcessEvents.table().unwrap();
        let batch = generator.batch(Kind::DeviceProcessEvents, table, 1).unwrap();
        let lines = generator.json_lines(Kind::DeviceProcessEvents, table, 1);
        assert_eq!(batch.num_rows(), 9_000 - BLOCK as usize);
        let first: Json = serde_json::from_slice(lines.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
        for (at, column) in table.stored_columns().enumerate() {
            let cell = crate::columns::Cells::new(batch.column(at), column.ty).get(0);
            let line = &first["properties"][column.name];
            let absent = line.is_null() && cell == Value::absent(column.ty);
            assert!(absent || cell.to_json() == *line, "{} {cell:?} {line}", column.name);
        }
    }
}
